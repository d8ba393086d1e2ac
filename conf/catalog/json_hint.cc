#include "conf/catalog/json_hint.h"

namespace gatehouse::catalog {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

std::string json_hint(std::string_view text, std::size_t offset) {
  if (text.starts_with("\xef\xbb\xbf")) return "begins with a byte order mark; save it without";
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "holds nothing but spaces; write {} for no definitions";
  if (offset > end) return "ends before all brackets and quotes are closed";
  const char here = text[offset];
  const std::size_t last = offset == 0 ? std::string_view::npos : text.find_last_not_of(" \t\r\n", offset - 1);
  const char before = last == std::string_view::npos ? '\0' : text[last];
  if (static_cast<unsigned char>(here) < 0x20) return "a control character within a text; write \\n, \\t or \\u00XX";
  if (static_cast<unsigned char>(here) >= 0x80) return "bytes that are not UTF-8, or not within quotes";
  if (offset >= 6 && text.substr(offset - 6, 2) == "\\u")
    return "half a character; write both halves, \\uD8XX\\uDCXX";
  if (here == '/' || here == '#') return "JSON has no comments; take them out";
  if (here == '\'') return "write \" for quotes";
  if ((here == '}' || here == ']') && before == ',') return "a comma too many before this";
  if ((here == '}' || here == ']') && before == ':') return "a value is missing before this";
  const bool after_value = before == '"' || before == '}' || before == ']' || (before >= '0' && before <= '9');
  if (after_value && (here == '"' || here == '{' || here == '[')) return "a comma or colon is missing before this";
  if (is_word(here) && !after_value) return "write texts within quotes";
  return "not what JSON expects here";
}

}  // namespace gatehouse::catalog
