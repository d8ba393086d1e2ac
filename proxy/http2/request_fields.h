// request_fields.h: a request's head, as HTTP/1.1 has it, into the fields that HTTP/2 has for it (RFC 9113 8.3.1).
//   The head is one that write_request_head made. Fields of one connection never come along (8.2.2), `TE: trailers`
//   does. A WebSocket's handshake becomes an extended CONNECT (RFC 8441) where that is asked for; any other upgrade
//   is left out, which leaves an ordinary request. Views into the head: valid as long as its bytes are. No
//   allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/http/head.h"
#include "proxy/http2/nghttp2_ptr.h"

namespace gatehouse::http2 {

struct RequestFacts {
  http::Framing body = http::Framing::none;
  std::uint64_t length = 0;  // with Framing::length
  bool to_head = false;      // the answer has no body, whatever it says
  bool websocket = false;    // became an extended CONNECT
  std::string_view websocket_key;
};

class RequestFields {
 public:
  static constexpr unsigned fields_max = http::fields_capacity + 32;  // the client's, and what we add

  // False: it is no head of ours, or has more fields than may be.
  bool read(std::string_view head, std::string_view scheme, bool websocket);
  std::span<const nghttp2_nv> fields() const { return {field_.data(), count_}; }
  const RequestFacts& facts() const { return facts_; }

 private:
  bool read_line(std::string_view line, std::string_view& method, std::string_view& target);
  void read_field(std::string_view name, std::string_view value);
  void put(std::string_view name, std::string_view value);

  std::array<nghttp2_nv, fields_max> field_;
  std::size_t count_ = 0;
  bool overflow_ = false;
  std::string_view host_, upgrade_;
  RequestFacts facts_;
};

}  // namespace gatehouse::http2
