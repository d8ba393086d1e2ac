#include "proxy/http/trace_context.h"

#include <algorithm>

namespace gatehouse::http {
namespace {

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Digits, and not all of them zero.
bool is_id(std::string_view text) {
  return std::ranges::all_of(text, is_lower_hex) && text.find_first_not_of('0') != std::string_view::npos;
}

char* put_hex(std::uint64_t value, char* out) {
  constexpr char digits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) *out++ = digits[value >> shift & 15];
  return out;
}

}  // namespace

std::string_view trace_id(std::string_view text) {
  constexpr std::size_t size = 55, id_at = 3, parent_at = 36, flags_at = 53;
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const std::string_view version = text.substr(0, 2), flags = text.substr(flags_at, 2);
  const bool longer = text.size() > size;
  if (!std::ranges::all_of(version, is_lower_hex) || version == "ff" || !std::ranges::all_of(flags, is_lower_hex))
    return {};
  if (longer && (version == "00" || text[size] != '-')) return {};
  if (!is_id(text.substr(id_at, 32)) || !is_id(text.substr(parent_at, 16))) return {};
  return text.substr(id_at, 32);
}

TraceParent make_traceparent(std::uint64_t high, std::uint64_t low, std::uint64_t parent) {
  TraceParent out;
  char* at = out.data();
  *at++ = '0', *at++ = '0', *at++ = '-';
  at = put_hex(high, at);
  at = put_hex(low | 1, at);  // never all zeros
  *at++ = '-';
  at = put_hex(parent | 1, at);
  *at++ = '-', *at++ = '0', *at++ = '1';
  return out;
}

}  // namespace gatehouse::http
