// parse.h: bytes to heads, strictly by RFC 9112.
//   What is ambiguous is refused: bare CR or LF, folded lines, white space before a colon, control bytes, more than
//   one Content-Length or Host, Content-Length with Transfer-Encoding, any coding but chunked, Connection naming a
//   field that frames or routes. After `incomplete` call again with the same head and the same bytes plus more (they
//   may have moved); only the line that was cut is read twice, so bytes that drip cost no more than bytes that pour.
//   After `refused` head.refusal says what to answer; nothing after it on the connection may be read.
//   No allocation, no state but the head. Lenient on purpose: one CRLF before a request line (RFC 9112 2.2), a status
//   line without its last SP, equal Content-Lengths twice in an answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/head.h"

namespace gatehouse::http {

enum class ParseState { incomplete, complete, refused };

struct HeadLimits {
  std::uint32_t line_bytes_max = 16 << 10;   // the first line without its CRLF; over it: 414
  std::uint32_t field_bytes_max = 32 << 10;  // all field lines with their CRLFs; over it: 431
  unsigned fields_max = 100;                 // over it: 431; at most fields_capacity
};

inline constexpr std::size_t method_bytes_max = 32;       // over it: 501
inline constexpr std::size_t field_name_bytes_max = 256;  // over it: 431
inline constexpr unsigned connection_options_max = 16;    // unknown ones; over it: 400
inline constexpr std::uint64_t body_bytes_max = std::uint64_t{1} << 62;

ParseState parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head);

// Every refusal has status 502. `to_head`: the answer is to a HEAD request, so it has no body whatever it says.
// An interim answer (1xx but 101) is complete in itself: clear the head and parse on behind it.
ParseState parse_response_head(std::string_view bytes, const HeadLimits& limits, bool to_head, ResponseHead& head);

}  // namespace gatehouse::http
