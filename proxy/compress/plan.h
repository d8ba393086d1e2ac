// plan.h: whether and how an answer is compressed on its way. Pure.
//   Compressed is what the route asks for, of a type that gains by it, large enough or of unknown length, to a client
//   that takes one of the route's codings over HTTP/1.1. Never: what is encoded already, is a part (206), has
//   `no-transform` (on either side) or a digest of its bytes, or has no body. Where the answer would be compressed
//   for another client, it varies all the same. Source: RFC 9110 8.4, 12.5.5, 7.7; RFC 9111 5.2.
#pragma once

#include <optional>
#include <string_view>

#include "conf/content.h"
#include "proxy/http/head.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::compress {

struct Plan {
  bool varies = false;                        // says so
  bool weakens = false;                       // its entity tag: another form of it is, or was, sent
  std::optional<conf::ContentCoding> coding;  // nothing: it goes as it is
};

Plan plan_answer(const conf::Compress& policy, const http::RequestHead& request, const http::ResponseHead& answer);
// For a file of that type and size; `client_minor` and what the request says are looked at.
Plan plan_file(const conf::Compress& policy, const http::RequestHead& request, std::string_view type,
               std::uint64_t size);

bool is_compressible(const conf::Compress& policy, std::string_view content_type);

// The fields of an answer that follow from the plan: Content-Encoding, Vary, a weak ETag.
void write_plan_fields(const Plan& plan, const http::ResponseHead& answer, http::HeadWriter& out);

}  // namespace gatehouse::compress
