// local_reply.h: what the door answers by itself: refusals, redirects, its own pages.
//   Always with Content-Length and Date, never with Server. A small page in HTML or plain text, or the operator's own
//   body, whatever its size: head and body are written apart, so that a body never has to fit a buffer. Whatever came
//   from the client and is shown is escaped; a Location that could split the head is not sent.
//   Pure, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/clock.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::http {

std::string_view reason_phrase(int status);  // RFC 9110 15; "Unknown" for what we don't know

inline constexpr std::string_view html_type = "text/html; charset=utf-8";
inline constexpr std::string_view text_type = "text/plain; charset=utf-8";
// What a 405 of ours says may be asked instead.
inline constexpr std::string_view served_methods = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

struct LocalReply {
  int status = 500;
  std::string_view body;
  std::string_view content_type = html_type;  // sent if there is a body
  Seconds retry_after{0};                     // rounded up by the caller; 0: not sent
  std::string_view allow;                     // empty: not sent; a 405 sends served_methods then
  std::string_view location;                  // empty: not sent
  bool to_head = false;                       // answers HEAD: the length is told, the body is not to be sent
  bool close = true;
  unsigned client_minor = 1;
  bool to_grpc = false;     // told by grpc-status: status 200, no body, whatever stands above
  std::string_view detail;  // for grpc-message
  bool framed = false;      // a file's: all its fields, Content-Type and Content-Length too, are `extra`
  std::string_view extra;   // whole field lines: X-Request-Id, Strict-Transport-Security
  const AnswerFields* fields = nullptr;
  const RequestHead* preflight = nullptr;  // that is answered; by fields->cors
};

void write_local_head(const LocalReply& reply, std::string_view date, HeadWriter& out);

// Head and, unless to_head, body in one piece, for bodies that fit.
void write_local_reply(const LocalReply& reply, std::string_view date, HeadWriter& out);

// The page of a status: its name and, escaped, a line of detail (never more than 512 bytes of it).
inline constexpr std::size_t page_bytes_max = 4 << 10;
std::string_view html_page(int status, std::string_view detail, std::span<char, page_bytes_max> buffer);

// Text for HTML: & < > " ' become entities, control bytes '?'.
void put_html(std::string_view text, HeadWriter& out);

}  // namespace gatehouse::http
