// json_text.h: any bytes as a JSON string (RFC 8259 7).
//   Valid UTF-8 passes as it is, but for what steers a terminal; that and bytes that are no UTF-8 become \uXXXX, so
//   that nothing is left out and the line stays valid and harmless to look at. Bounded: what doesn't fit is left out
//   and counted. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/http/head_writer.h"

namespace gatehouse::http {

// The code point of a UTF-8 sequence of two or more bytes that a terminal obeys instead of showing it: C1 controls,
// separators of lines, and what turns the direction of text, so that it reads other than it is. 0: it is none.
unsigned steering_code(std::string_view sequence);

// Writes the text escaped, without quotes, in at most `bytes_max` bytes: cut text ends in "...+N" (N bytes left out).
// REQUIRES bytes_max >= 32.
void put_json_text(std::string_view text, std::size_t bytes_max, HeadWriter& out);

}  // namespace gatehouse::http
