// head_lines.h: walks the lines of an HTTP/1.1 head or trailer section that was written by our own HeadWriter, or
//   kept by our own parser: every line ends in CRLF, every field line has a colon. What has neither is left out.
#pragma once

#include <string_view>

#include "proxy/http/bytes.h"

namespace gatehouse::http2 {

inline constexpr std::string_view line_end = "\r\n", head_end = "\r\n\r\n";

// Takes the next line, without its end, off `text`; empty at the end of the section.
inline std::string_view next_line(std::string_view& text) {
  const auto end = text.find(line_end);
  if (end == std::string_view::npos) return {};
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + line_end.size());
  return line;
}

template <class Visit>  // visit(name, value)
void each_field(std::string_view section, Visit visit) {
  for (std::string_view line = next_line(section); !line.empty(); line = next_line(section)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    visit(line.substr(0, colon), http::trimmed(line.substr(colon + 1)));
  }
}

}  // namespace gatehouse::http2
