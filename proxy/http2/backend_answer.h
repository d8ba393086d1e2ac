// backend_answer.h: the fields of an answer, as HTTP/2 brings them one by one, into the head, or the trailer section,
//   that HTTP/1.1 has for it; whoever reads that judges it again by RFC 9112.
//   Names and values must be what RFC 9110 5 lets them be; nothing that frames a message is taken over: the framing
//   is stated anew, once. A body of unknown length, and one that trailers may follow, travels chunked: an answer of
//   gRPC and one with a Trailer field, whatever length it told. Behind other bodies of known length trailers are
//   dropped. Limits: a head of head_bytes_max, trailers of http::trailer_bytes_max. Source: RFC 9113 8.1 to 8.3, RFC
//   8441.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/head.h"
#include "proxy/http2/byte_queue.h"
#include "proxy/http2/request_fields.h"

namespace gatehouse::http2 {

inline constexpr std::size_t answer_head_bytes_max = 60 << 10;

// What the answer's body is framed as; `tunnel`: bytes both ways behind a 101.
enum class AnswerBody : std::uint8_t { none, length, chunked, tunnel };

class BackendAnswer {
 public:
  // Of the request: what it asks for changes what an answer means.
  void set_request(bool to_head, std::string_view granted_websocket_accept);

  // Each returns false if the answer is malformed.
  bool add_to_head(std::string_view name, std::string_view value, ByteQueue& out);
  // `last`: nothing follows this head, neither body nor trailers.
  bool end_head(bool last, ByteQueue& out);
  bool add_to_trailers(std::string_view name, std::string_view value, ByteQueue& out);
  void end_body(ByteQueue& out);

  bool has_head() const { return has_head_; }  // the final one
  AnswerBody body() const { return body_; }

 private:
  bool take_status(std::string_view value, ByteQueue& out);
  bool interim() const { return status_ < 200 && !tunnel_; }
  void begin_section() { section_bytes_ = status_ = 0, length_.clear(), may_have_trailers_ = false; }
  void put_framing(bool last, ByteQueue& out);

  int status_ = 0;  // of the head that comes in
  unsigned interims_ = 0;
  std::size_t section_bytes_ = 0;
  std::string length_;  // Content-Length as told: short enough for no allocation
  std::string accept_;  // Sec-WebSocket-Accept
  AnswerBody body_ = AnswerBody::none;
  bool to_head_ = false, has_head_ = false, tunnel_ = false, may_have_trailers_ = false, in_trailers_ = false;
};

std::string websocket_accept(std::string_view key);  // RFC 6455 4.2.2

}  // namespace gatehouse::http2
