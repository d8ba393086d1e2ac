// json_text.h: any bytes as a JSON string (RFC 8259 7).
//   Valid UTF-8 passes as it is; control bytes and bytes that are no UTF-8 become \u00XX, so that nothing is lost and
//   the line stays valid. Bounded: what doesn't fit is left out and counted. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/http/head_writer.h"

namespace gatehouse::http {

// Writes the text escaped, without quotes, in at most `bytes_max` bytes: cut text ends in "...+N" (N bytes left out).
// REQUIRES bytes_max >= 32.
void put_json_text(std::string_view text, std::size_t bytes_max, HeadWriter& out);

}  // namespace gatehouse::http
