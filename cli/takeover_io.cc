#include "cli/takeover_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/fd_message.h"

namespace gatehouse::cli {
namespace {

constexpr std::string_view greeting = "gatehouse takeover 1", serving = "serving", tickets = "tickets";
constexpr int queue = 4;
constexpr timeval answer_time{10, 0}, send_time{2, 0};

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return invalid(path + ": longer than the 107 bytes a socket's path may have");
  path.copy(address.sun_path, path.size());
  return address;
}

Error failed(const std::string& path) { return {Errc::io, path + ": " + std::strerror(errno)}; }

std::optional<ucred> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return std::nullopt;
  return credentials;
}

Status send_estate(int socket, const Estate& estate) {
  Status sent = send_message(socket, "lock", std::span(&estate.lock, 1));
  for (std::size_t i = 0; sent && i < estate.sockets.size(); i += FdMessage::fds_most) {
    const std::size_t count = std::min(FdMessage::fds_most, estate.sockets.size() - i);
    sent = send_message(socket, "sockets", std::span(estate.sockets).subspan(i, count));
  }
  if (sent) sent = send_message(socket, std::string(tickets) + estate.tickets);
  return sent ? send_message(socket, "end") : sent;
}

class Offer final : public TakeoverOffer {
 public:
  Offer(asio::io_context& io, UniqueFd socket, std::string path, Calls calls)
      : calls_(std::move(calls)), path_(std::move(path)), listening_(io, socket.release()), link_(io) {
    wait_for_heir();
  }
  ~Offer() override {
    *alive_ = false;
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  void leave_file() override { path_.clear(); }

 private:
  void wait_for_heir() {
    listening_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, alive = alive_](boost::system::error_code error) {
                            if (!error && *alive) accept();
                          });
  }

  // One at a time: another waits in the queue.
  void accept() {
    UniqueFd socket(::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const auto peer = socket ? peer_of(socket.get()) : std::nullopt;
    if (!peer || (peer->uid != ::geteuid() && peer->uid != 0)) return wait_for_heir();
    heir_ = peer->pid;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &send_time, sizeof send_time);
    link_.assign(socket.release());
    wait_for_word();
  }

  void wait_for_word() {
    link_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this, alive = alive_](boost::system::error_code error) {
                       if (!error && *alive) hear();
                     });
  }

  void hear() {
    const Result<FdMessage> heard = receive_message(link_.native_handle());
    if (heard && heard->text == greeting && !begun_) {
      begun_ = true;
      ::fcntl(link_.native_handle(), F_SETFL, 0);  // it waits for the reader, send_time at most
      const bool sent = bool(send_estate(link_.native_handle(), calls_.begin()));
      return sent ? wait_for_word() : break_off();
    }
    if (heard && heard->text == serving && begun_) return calls_.is_done(heir_);
    break_off();
  }

  void break_off() {
    boost::system::error_code ignored;
    link_.close(ignored);
    if (std::exchange(begun_, false)) calls_.broken_off();
    wait_for_heir();
  }

  const Calls calls_;
  std::string path_;
  asio::posix::stream_descriptor listening_, link_;
  pid_t heir_ = 0;
  bool begun_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for callbacks that are under way
};

}  // namespace

Result<std::unique_ptr<TakeoverOffer>> offer_takeover(asio::io_context& io, const std::string& path,
                                                      TakeoverOffer::Calls calls) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return address.error();
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failed(path);
  ::unlink(path.c_str());  // of a run before: the state folder's lock is ours
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  ::umask(mask);
  if (bound < 0 || ::listen(socket.get(), queue) < 0) return failed(path);
  return std::unique_ptr<TakeoverOffer>(std::make_unique<Offer>(io, std::move(socket), path, std::move(calls)));
}

Result<std::optional<Inheritance>> ask_for_takeover(const std::string& path) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return address.error();
  Inheritance out;
  out.link = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!out.link) return failed(path);
  if (::connect(out.link.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<Inheritance>();
    return failed(path);
  }
  ::setsockopt(out.link.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_time, sizeof answer_time);
  if (const Status sent = send_message(out.link.get(), greeting); !sent) return sent.error();
  for (;;) {
    Result<FdMessage> message = receive_message(out.link.get());
    if (!message && message.error().code == Errc::closed)
      return Error{Errc::refused, path + ": the gatehouse that runs there hands nothing over to this user"};
    if (!message) return Error{message.error().code, path + ": " + message.error().what};
    if (message->text == "end") break;
    if (message->text == "lock" && message->fds.size() == 1) out.lock = std::move(message->fds[0]);
    if (message->text == "sockets")
      std::move(message->fds.begin(), message->fds.end(), std::back_inserter(out.sockets));
    if (message->text.starts_with(tickets)) out.tickets = message->text.substr(tickets.size());
  }
  if (!out.lock) return Error{Errc::protocol, path + ": the gatehouse that runs there has handed over no lock"};
  return std::optional<Inheritance>(std::move(out));
}

Status say_serving(const Inheritance& inheritance) { return send_message(inheritance.link.get(), serving); }

}  // namespace gatehouse::cli
