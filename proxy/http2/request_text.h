// request_text.h: the field section of an HTTP/2 request as the head of an HTTP/1.1 request.
//   What HTTP/2 forbids is malformed here, whatever the library below lets through: names that are no lower case
//   tokens, values with control bytes or blanks around, fields of one connection, Host that contradicts :authority, a
//   :path that is no path. No byte can come out as a line's end that didn't stand for one; the strict parser of
//   HTTP/1.1 judges the text once more. An extended CONNECT for a WebSocket (RFC 8441) becomes GET with Upgrade.
//   Crumbs of Cookie are put together (RFC 9113 8.2.3). Bounded: in fields, each crumb being one, and in bytes by the
//   large slab; what exceeds them is not kept, and refusal() says 431.  Source: RFC 9113 8.2, 8.3. Pure.
#pragma once

#include <string_view>

#include "net/buffer.h"

namespace gatehouse::http2 {

class RequestText {
 public:
  RequestText(BufferPool& pool, unsigned fields_max) : pool_(pool), fields_max_(fields_max) {}

  bool add(std::string_view name, std::string_view value);  // false: malformed
  // After the last field; `ends`: no body follows. `key` is for a WebSocket's handshake. False: malformed.
  bool finish(bool ends, std::string_view key);

  Buffer take() { return std::move(text_); }
  int refusal() const { return refusal_; }   // the status to answer with, whatever the text says; 0: none
  bool to_head() const { return to_head_; }  // the method is HEAD
  bool tunnels() const { return tunnels_; }  // it asks for bytes both ways
  bool chunked() const { return chunked_; }  // its body is to be framed so

 private:
  struct Part {
    std::size_t at = 0, size = 0;
    bool given = false;
  };

  bool add_pseudo(std::string_view name, std::string_view value);
  bool add_host(std::string_view value);
  bool add_cookie(std::string_view value);
  bool begin_fields();
  void put(std::string_view text);
  void put_field(std::string_view name, std::string_view value);

  BufferPool& pool_;
  Buffer text_, cookies_;
  Part method_, scheme_, path_, authority_, protocol_;  // while text_ holds nothing but them
  Part host_;                                           // in text_, once the request line stands
  unsigned fields_ = 0;
  const unsigned fields_max_;
  int refusal_ = 0;
  bool begun_ = false, to_head_ = false, connects_ = false, tunnels_ = false, has_length_ = false, chunked_ = false;
};

}  // namespace gatehouse::http2
