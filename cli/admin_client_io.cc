#include "cli/admin_client_io.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "net/asio.h"
#include "net/beast.h"

namespace gatehouse::cli {
namespace {

namespace bhttp = beast::http;
using Local = asio::local::stream_protocol;

// Runs what was started; the stream's own timer bounds it.
boost::system::error_code finish(asio::io_context& io, const boost::system::error_code& error) {
  io.restart();
  io.run();
  return error;
}

Error failure(const std::string& socket, const boost::system::error_code& error) {
  if (error == beast::error::timeout) return Error{Errc::timed_out, socket + ": no answer in time"};
  return Error{Errc::io, socket + ": " + error.message()};
}

// Waits for room in the queue of a program that hangs, within that time.
boost::system::error_code connect_within(Local::socket& to, const std::string& path, Millis within) {
  boost::system::error_code error;
  to.open(Local(), error);
  if (error) return error;
  const auto micros = std::max<std::int64_t>(within.count(), 1) * 1000;  // 0 would be for ever
  const timeval patience{micros / 1'000'000, micros % 1'000'000};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = to.native_handle();
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
      ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
    return {};
  if (errno == EAGAIN) return beast::error::timeout;
  return {errno, boost::system::system_category()};
}

}  // namespace

Result<HttpReply> ask(const std::string& socket, const std::string& method, const std::string& target,
                      Millis within) {
  if (socket.size() >= sizeof(sockaddr_un::sun_path)) return invalid(socket + ": too long for a socket's path");
  const auto deadline = std::chrono::steady_clock::now() + within;
  asio::io_context io;
  beast::basic_stream<Local> stream(io);
  boost::system::error_code error = connect_within(stream.socket(), socket, within);
  if (error == beast::error::timeout) return failure(socket, error);
  if (error)
    return Error{Errc::unavailable, socket + ": " + error.message() +
                                        "; is gatehouse running, and may you use its socket? (--socket, or -c FILE)"};
  bhttp::request<bhttp::empty_body> request(bhttp::string_to_verb(method), target, 11);
  request.set(bhttp::field::host, "gatehouse");
  request.prepare_payload();
  stream.expires_at(deadline);
  const auto store = [&error](boost::system::error_code result, std::size_t) { error = result; };
  bhttp::async_write(stream, request, store);
  if (finish(io, error)) return failure(socket, error);
  beast::flat_buffer buffer;
  bhttp::response_parser<bhttp::string_body> parser;
  parser.body_limit(boost::none);
  bhttp::async_read(stream, buffer, parser, store);
  if (finish(io, error)) return failure(socket, error);
  HttpReply reply;
  reply.status = static_cast<int>(parser.get().result_int());
  reply.content_type = std::string(parser.get()[bhttp::field::content_type]);
  reply.body = std::move(parser.get().body());
  return reply;
}

}  // namespace gatehouse::cli
