// bytes.h: which bytes may stand where, and fast walks over them.
//   Tokens and values by RFC 9110 5.5 and 5.6.2, targets by RFC 9112 3.2 and RFC 3986. The walks read 16 bytes at a
//   time where SSSE3 is there (x86-64-v2), never past `end`; namespace `portable` is the same by table, and the
//   yardstick of the tests. Pure, no state.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/encoding.h"

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

namespace gatehouse::http {

inline constexpr std::uint8_t token_byte = 1;    // field names, methods
inline constexpr std::uint8_t value_byte = 2;    // field values: HTAB, SP, VCHAR, obs-text
inline constexpr std::uint8_t target_byte = 4;   // VCHAR but '#': browsers send more than RFC 3986 lists
inline constexpr std::uint8_t regname_byte = 8;  // RFC 3986 3.2.2 without '%'
inline constexpr std::uint8_t unreserved_byte = 16;
inline constexpr std::uint8_t odd_name_byte = 32;    // '_' and '.': CGI and its heirs mistake them for '-'
inline constexpr std::uint8_t plain_json_byte = 64;  // stands for itself in a JSON string: ASCII only

inline constexpr std::array<std::uint8_t, 256> byte_classes = [] {
  std::array<std::uint8_t, 256> out{};
  const auto add = [&out](std::string_view bytes, std::uint8_t classes) {
    for (const char c : bytes) out[static_cast<std::uint8_t>(c)] |= classes;
  };
  for (int c = 0; c < 256; ++c) {
    if ((c >= 0x20 && c != 0x7f) || c == '\t') out[c] |= value_byte;
    if (c > 0x20 && c < 0x7f && c != '#') out[c] |= target_byte;
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') out[c] |= plain_json_byte;
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric) out[c] |= token_byte | regname_byte | unreserved_byte;
  }
  add("!#$%&'*+-.^_`|~", token_byte);
  add("-._~!$&'()*+,;=", regname_byte);
  add("-._~", unreserved_byte);
  add("_.", odd_name_byte);
  return out;
}();

constexpr bool is(char c, std::uint8_t classes) {
  return (byte_classes[static_cast<std::uint8_t>(c)] & classes) != 0;
}
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
constexpr bool all(std::string_view text, std::uint8_t classes) {
  for (const char c : text)
    if (!is(c, classes)) return false;
  return true;
}

// `lower` holds no capitals.
constexpr bool equals_caseless(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (to_lower(text[i]) != lower[i]) return false;
  return true;
}
constexpr bool starts_caseless(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && equals_caseless(text.substr(0, lower.size()), lower);
}
constexpr bool equal_caseless(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next element off a comma-separated list (RFC 9110 5.6.1); empty elements come out empty. Quotes are not
// looked at: for lists of tokens.
constexpr std::string_view next_element(std::string_view& list) {
  const auto comma = list.find(',');
  const std::string_view element = trimmed(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

namespace portable {

inline const char* skip(const char* p, const char* end, std::uint8_t classes) {
  while (p != end && is(*p, classes)) ++p;
  return p;
}
inline const char* skip_name(const char* p, const char* end, bool& odd) {
  for (; p != end && is(*p, token_byte); ++p) odd |= is(*p, odd_name_byte);
  return p;
}
inline const char* skip_plain_path(const char* p, const char* end) {
  for (char before = 0; p != end; before = *p++)
    if (*p == '%' || *p == '?' || *p == '\\' || (*p == '.' && before == '/')) break;
  return p;
}

}  // namespace portable

#ifdef __SSSE3__
namespace simd {

inline __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline __m128i equal(__m128i v, char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); }
inline __m128i within(__m128i v, std::uint8_t low, std::uint8_t high) {  // unsigned low <= v <= high
  return _mm_and_si128(_mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8(static_cast<char>(low))), v),
                       _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(static_cast<char>(high))), v));
}
inline unsigned mask(__m128i v) { return static_cast<unsigned>(_mm_movemask_epi8(v)); }

// Which of the 16 bytes are not token bytes. The class is a bitmap of 16 low by 8 high nibbles: two shuffles.
struct TokenNibbles {
  alignas(16) std::array<std::uint8_t, 16> low{}, high{};
};
inline constexpr TokenNibbles token_nibbles = [] {
  TokenNibbles out;
  for (unsigned c = 0; c < 128; ++c)
    if (byte_classes[c] & token_byte) out.low[c & 15] |= static_cast<std::uint8_t>(1u << (c >> 4));
  for (unsigned h = 0; h < 8; ++h) out.high[h] = static_cast<std::uint8_t>(1u << h);
  return out;
}();
inline unsigned not_token(__m128i v) {
  const __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(token_nibbles.low.data()));
  const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(token_nibbles.high.data()));
  const __m128i nibble = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15));
  const __m128i hit = _mm_and_si128(_mm_shuffle_epi8(low, v), _mm_shuffle_epi8(high, nibble));
  return mask(_mm_cmpeq_epi8(hit, _mm_setzero_si128()));
}
inline unsigned not_value(__m128i v) {
  const __m128i control = _mm_andnot_si128(equal(v, '\t'), within(v, 0, 0x1f));
  return mask(_mm_or_si128(control, equal(v, 0x7f)));
}
inline unsigned not_target(__m128i v) {
  return mask(_mm_andnot_si128(equal(v, '#'), within(v, 0x21, 0x7e))) ^ 0xffffu;
}
inline unsigned not_plain_json(__m128i v) {
  const __m128i special = _mm_or_si128(equal(v, '"'), equal(v, '\\'));
  return mask(_mm_andnot_si128(special, within(v, 0x20, 0x7e))) ^ 0xffffu;
}

}  // namespace simd
#endif

// Each returns the first byte at or after p that is not of its class, or end. `base` is where the bytes begin
// (base <= p): the last 16 are read at once too, with those before p masked out.
#ifdef __SSSE3__
namespace simd {

template <class Mask>
const char* skip(const char* base, const char* p, const char* end, Mask stop_bytes) {
  for (; end - p >= 16; p += 16)
    if (const unsigned stop = stop_bytes(load(p))) return p + __builtin_ctz(stop);
  if (end - base < 16) return nullptr;
  const unsigned stop = stop_bytes(load(end - 16)) >> (16 - (end - p));
  return stop ? p + __builtin_ctz(stop) : end;
}

}  // namespace simd
#endif

inline const char* skip_value([[maybe_unused]] const char* base, const char* p, const char* end) {
#ifdef __SSSE3__
  if (const char* stop = simd::skip(base, p, end, simd::not_value)) return stop;
#endif
  return portable::skip(p, end, value_byte);
}

inline const char* skip_target([[maybe_unused]] const char* base, const char* p, const char* end) {
#ifdef __SSSE3__
  if (const char* stop = simd::skip(base, p, end, simd::not_target)) return stop;
#endif
  return portable::skip(p, end, target_byte);
}

inline const char* skip_plain_json([[maybe_unused]] const char* base, const char* p, const char* end) {
#ifdef __SSSE3__
  if (const char* stop = simd::skip(base, p, end, simd::not_plain_json)) return stop;
#endif
  return portable::skip(p, end, plain_json_byte);
}

// A field name or method; odd becomes true if it holds '_' or '.'.
inline const char* skip_name(const char* p, const char* end, bool& odd) {
#ifdef __SSSE3__
  for (; end - p >= 16; p += 16) {
    const __m128i v = simd::load(p);
    const unsigned odds = simd::mask(_mm_or_si128(simd::equal(v, '_'), simd::equal(v, '.')));
    if (const unsigned stop = simd::not_token(v)) {
      odd |= (odds & ((stop & -stop) - 1)) != 0;
      return p + __builtin_ctz(stop);
    }
    odd |= odds != 0;
  }
#endif
  return portable::skip_name(p, end, odd);
}

// The part of a path that is its own normal form: up to '%', '\', '?' or a segment that starts with a dot.
inline const char* skip_plain_path(const char* p, const char* end) {
#ifdef __SSSE3__
  unsigned after_slash = 0;
  for (; end - p >= 16; p += 16) {
    const __m128i v = simd::load(p);
    const __m128i special =
        _mm_or_si128(simd::equal(v, '%'), _mm_or_si128(simd::equal(v, '?'), simd::equal(v, '\\')));
    const unsigned slashes = simd::mask(simd::equal(v, '/'));
    const unsigned dots = simd::mask(simd::equal(v, '.'));
    if (const unsigned stop = simd::mask(special) | (dots & ((slashes << 1) | after_slash)))
      return p + __builtin_ctz(stop);
    after_slash = slashes >> 15;
  }
  p -= after_slash;  // the walk below must see the slash
#endif
  return portable::skip_plain_path(p, end);
}

}  // namespace gatehouse::http
