#include "cli/admin_client_io.h"

#include "net/beast.h"

namespace gatehouse::cli {

Result<HttpReply> ask(const std::string& socket, const std::string& method, const std::string& target) {
  namespace bhttp = beast::http;
  using Local = asio::local::stream_protocol;
  asio::io_context io;
  beast::basic_stream<Local> stream(io);
  boost::system::error_code error;
  stream.socket().connect(Local::endpoint(socket), error);
  if (error)
    return Error{Errc::unavailable, socket + ": " + error.message() +
                                        "; is gatehouse running, and may you use its socket? (--socket, or -c FILE)"};
  bhttp::request<bhttp::empty_body> request(bhttp::string_to_verb(method), target, 11);
  request.set(bhttp::field::host, "gatehouse");
  bhttp::write(stream, request, error);
  beast::flat_buffer buffer;
  bhttp::response_parser<bhttp::string_body> parser;
  parser.body_limit(boost::none);
  if (!error) bhttp::read(stream, buffer, parser, error);
  if (error) return Error{Errc::io, socket + ": " + error.message()};
  HttpReply reply;
  reply.status = parser.get().result_int();
  reply.content_type = std::string(parser.get()[bhttp::field::content_type]);
  reply.body = std::move(parser.get().body());
  return reply;
}

}  // namespace gatehouse::cli
