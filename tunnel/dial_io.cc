#include "tunnel/dial_io.h"

#include <cerrno>
#include <cstring>

namespace gatehouse::tunnel {
namespace {

// What the machine or the process lacks, whoever was to be connected to.
bool is_ours(int error) {
  return error == EMFILE || error == ENFILE || error == ENOSPC || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL;
}

Error no_connection(const DialAddress& to, int error) {
  return Error{is_ours(error) ? Errc::limit : Errc::unavailable,
               "connect to " + to.text() + ": " + std::strerror(error)};
}

Error late(std::string what) { return Error{Errc::timed_out, std::move(what) + ": no answer in time"}; }
Error given_up() { return Error{Errc::closed, "the client is gone"}; }

}  // namespace

Task<Status> connect_stream(Stream& stream, const DialAddress& to, const Dialling& how) {
  const int fd = to.socket.empty() ? start_connect(to.address) : start_connect_unix(to.socket);
  if (fd < 0) co_return no_connection(to, errno);
  Socket& socket = stream.socket;
  if (!socket.open(how.loop, fd)) co_return no_connection(to, socket.last_error());
  socket.set_waker(&how.waker);
  while (!socket.writable() && !socket.failed()) {
    socket.wait_writable();
    const Waker::Why why = co_await how.waker.sleep(how.deadline);
    if (how.given_up()) co_return given_up();
    if (why == Waker::Why::deadline) co_return late("connect to " + to.text());
  }
  if (const int error = connect_error(socket.fd()); error != 0) co_return no_connection(to, error);
  co_return Done{};
}

Task<Status> shake_hands(Stream& stream, const Dialling& how) {
  for (;;) {
    const IoResult result = stream.tls->handshake();
    if (result.ok()) break;
    if (!result.again()) {
      const std::string why = stream.tls->error_text();
      co_return Error{Errc::tls, "TLS: " + (why.empty() ? "the connection was lost" : why)};
    }
    const Waker::Why why = co_await how.waker.sleep(how.deadline);
    if (how.given_up()) co_return given_up();
    if (why == Waker::Why::deadline) co_return late("TLS");
  }
  stream.tls->send_held();
  co_return Done{};
}

Task<Status> send_whole(Stream& stream, std::string_view bytes, const Dialling& how) {
  while (!bytes.empty() || stream.pending()) {
    const IoResult sent = bytes.empty() ? stream.flush() : stream.send(bytes.data(), bytes.size());
    if (sent.ok()) {
      bytes.remove_prefix(std::min(sent.size, bytes.size()));
      if (!stream.pending()) continue;
    } else if (!sent.again()) {
      co_return Error{Errc::reset, "connection lost"};
    }
    stream.socket.wait_writable();
    const Waker::Why why = co_await how.waker.sleep(how.deadline);
    if (why == Waker::Why::deadline) co_return late("sending");
  }
  co_return Done{};
}

}  // namespace gatehouse::tunnel
