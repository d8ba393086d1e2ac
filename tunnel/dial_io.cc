#include "tunnel/dial_io.h"

#include <cerrno>
#include <cstring>

#include "tunnel/protocol.h"

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

PskVersion version_of(conf::TunnelTls tls) {
  return tls == conf::TunnelTls::v13 ? PskVersion::tls13 : PskVersion::tls12;
}

Error refused(Word word) { return Error{Errc::refused, std::string(text_of(word))}; }

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

Task<Status> secure(Stream& stream, const Entry& entry, const Target& target, const DialAddress& address,
                    const PskClientContext& context, const Dialling& how, std::string_view protocol) {
  const Status connected = co_await connect_stream(stream, address, how);
  if (!connected) co_return connected.error();
  const std::vector<std::string> alpn{std::string(protocol)};
  const std::string name = entry.conf.sni == conf::TunnelSni::none ? "" : entry.conf.asked_service();
  SslPtr ssl = context.connect(*target.offer, name, alpn);
  if (!ssl) co_return Error{Errc::tls, "TLS: no memory"};
  stream.tls = std::make_unique<TlsSession>(std::move(ssl), stream.socket);
  const Status done = co_await shake_hands(stream, how);
  if (!done) co_return done.error();
  const std::string doubt = psk_doubt(stream.tls->ssl(), version_of(entry.conf.tls));
  if (!doubt.empty()) co_return Error{Errc::tls, "TLS: " + doubt};
  co_return Done{};
}

std::optional<Status> read_word(Stream& stream) {
  char byte;
  const IoResult got = stream.receive(&byte, 1);
  if (got.again()) return std::nullopt;
  if (!got.ok()) return Status(Error{Errc::reset, "the exit ended the connection without a word"});
  const auto word = static_cast<Word>(static_cast<unsigned char>(byte));
  return word == Word::reached ? Status(Done{}) : Status(refused(word));
}

}  // namespace gatehouse::tunnel
