#include "conf/catalog/json_depth.h"

namespace gatehouse::catalog {

std::string cut_below(std::string_view json, unsigned depth_most) {
  std::string out;
  out.reserve(json.size());
  std::size_t depth = 0;
  bool in_text = false, escaped = false;
  for (const char c : json) {
    const bool opens = !in_text && (c == '{' || c == '['), closes = !in_text && (c == '}' || c == ']');
    if (opens && ++depth == depth_most + 1) out += "null";
    if (depth <= depth_most) out += c;
    if (closes && depth > 0) --depth;
    if (c == '"' && !escaped) in_text = !in_text;
    escaped = in_text && c == '\\' && !escaped;
  }
  return out;
}

}  // namespace gatehouse::catalog
