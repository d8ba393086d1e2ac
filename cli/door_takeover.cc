// Of the door: how it takes over from one that runs, and gives way to one that takes over from it.
//   Both listen on the same sockets until the heir serves, so that no connection finds nobody. Until then whatever
//   happens to the heir changes nothing here but that no certificate is ordered for a moment.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <spawn.h>
#include <sys/wait.h>

#include "cli/door.h"
#include "cli/http_server_io.h"
#include "net/service_manager.h"

namespace gatehouse::cli {
namespace {

constexpr auto look_pause = std::chrono::milliseconds(20);
constexpr auto known_within = std::chrono::seconds(10);  // a check that hangs holds up no upgrade for ever

// The file that this process was started from, or what stands there now.
std::string own_program() {
  std::error_code error;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", error);
  constexpr std::string_view replaced = " (deleted)";
  if (path.ends_with(replaced)) path.resize(path.size() - replaced.size());
  return path;
}

std::string ending_words(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string Door::takeover_socket() const { return config_.admin.socket + ".takeover"; }

Status Door::inherit() {
  Result<std::optional<Inheritance>> found = ask_for_takeover(takeover_socket());
  if (!found) return found.error();
  if (!*found) return Done{};  // nobody runs here
  inheritance_ = std::move(**found);
  state_lock_ = std::move(inheritance_->lock);
  for (UniqueFd& socket : inheritance_->sockets) open_sockets_.add(std::move(socket));
  known_by_ = Clock::now() + known_within;
  return Done{};
}

// Endpoints' checks have run, and names have addresses: we'd send nobody where the one before would not.
bool Door::knows_enough() const {
  if (!prober_->has_looked()) return false;
  if (!resolver_) return true;
  const auto known = resolver_->snapshot();
  const std::vector<std::string> names = proxy::names_to_resolve(*table_);
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return known->contains(name); });
}

void Door::wait_until_known() {
  if (knows_enough() || Clock::now() >= known_by_) return begin_serving();
  takeover_timer_.expires_after(look_pause);
  takeover_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_until_known();
  });
}

void Door::begin_serving() {
  for (auto& worker : workers_) worker->start();
  started_ = true;
  started_at_ms_ = std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
  note("process", inheritance_ ? "took over, gatehouse " GATEHOUSE_VERSION : "started, gatehouse " GATEHOUSE_VERSION);
  if (inheritance_)
    if (const Status said = say_serving(*inheritance_); !said)
      warn("process", "the one that ran before is gone without a drain: " + said.error().what);
  inheritance_.reset();
  open_sockets_.clear();  // nobody accepts there: better refused than waiting
  offer_to_heirs();
  tell_service_manager("READY=1");
  if (const auto serving = std::exchange(serving_, {})) serving();
}

void Door::offer_to_heirs() {
  TakeoverOffer::Calls calls;
  calls.begin = [this] { return estate(); };
  calls.broken_off = [this] { keep_all(); };
  calls.is_done = [this](pid_t heir) { asio::post(io_, [this, heir] { give_way(heir); }); };
  Result<std::unique_ptr<TakeoverOffer>> offer = offer_takeover(io_, takeover_socket(), std::move(calls));
  if (!offer) return warn("process", "can't be replaced without a gap: " + offer.error().what);
  offer_ = std::move(*offer);
}

Estate Door::estate() {
  if (issuer_) issuer_->stop();  // orders are one door's, and resumed by the next
  close_guard();
  Estate out;
  out.lock = state_lock_.get();
  for (const auto* open : {&listeners_, &tcp_listeners_})
    for (const proxy::OpenListener& each : *open) out.sockets.push_back(each.socket->fd());
  for (const int fd : tunnels_.listening()) out.sockets.push_back(fd);
  for (const HttpServer* server : {admin_.get(), metrics_.get()}) out.sockets.push_back(server->listening_fd());
  tickets_->advance(std::chrono::system_clock::now());
  out.tickets = tickets_->bytes();
  return out;
}

void Door::keep_all() {
  warn("process", "who was about to take over did not; this door goes on");
  if (!issuer_) return;
  issuer_.reset();
  configure_issuer();
  want_certificates();
}

void Door::give_way(pid_t heir) {
  if (stopping_) return;
  note("process", "pid " + std::to_string(heir) + " has taken over");
  tell_service_manager("MAINPID=" + std::to_string(heir));
  gave_way_ = true;
  history_.leave_file();
  memory_.stop_keeping();
  holders_writer_.reset();
  for (const auto& consul : consuls_) consul->retire();
  tunnels_.leave_files();
  admin_->leave_file();
  admin_.reset();
  metrics_.reset();
  offer_->leave_file();
  offer_.reset();
  shared_.succeeded.store(true, std::memory_order_relaxed);
  stopping_ = true;
  ended_ = [this] { io_.stop(); };
  close_listeners();
}

Result<pid_t> Door::upgrade(const std::string& by) {
  if (stopping_) return invalid("this gatehouse is stopping");
  if (heir_ != 0) return invalid("an upgrade is under way: pid " + std::to_string(heir_) + " is starting");
  std::string program = own_program(), run = "run", option = "-c", file = config_.file, takeover = "--takeover";
  char* arguments[] = {program.data(), run.data(), option.data(), file.data(), takeover.data(), nullptr};
  pid_t pid = 0;
  if (const int error = ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ); error != 0)
    return Error{Errc::io, program + ": " + std::strerror(error)};
  heir_ = pid;
  note("command", "upgrade: pid " + std::to_string(pid) + " starts, to take over", by);
  children_.add(SIGCHLD);
  wait_for_heir_to_fail();
  return pid;
}

// Who is told to stop is not to go on by another process that he has just begun.
void Door::stop_heir() {
  if (heir_ != 0) ::kill(heir_, SIGTERM);
}

void Door::wait_for_heir_to_fail() {
  children_.async_wait([this](boost::system::error_code error, int) {
    int status = 0;
    if (error) return;
    if (::waitpid(heir_, &status, WNOHANG) != heir_) return wait_for_heir_to_fail();
    heir_ = 0;
    warn("process", "the upgrade failed: the new gatehouse " + ending_words(status) +
                        "; what it said stands where this one's errors go");
  });
}

}  // namespace gatehouse::cli
