#include "proxy/http/json_text.h"

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

constexpr std::size_t mark_bytes_max = 24;  // "...+" and a 64-bit number

// Length of the UTF-8 sequence at the front, or 0: overlong forms, surrogates and what is beyond U+10FFFF are none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0), next = byte(1);
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool good = !(lead == 0xe0 && next < 0xa0) && !(lead == 0xed && next > 0x9f);
    return good && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool good = !(lead == 0xf0 && next < 0x90) && !(lead == 0xf4 && next > 0x8f);
    return good && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// What one step writes: a run of plain bytes as it is, or one character escaped or whole.
struct Step {
  std::size_t taken;
  std::string_view written;
};

Step next_step(std::string_view text, char (&escape)[6]) {
  const char* const plain_end = skip_plain_json(text.data(), text.data(), text.data() + text.size());
  if (const auto plain = static_cast<std::size_t>(plain_end - text.data())) return {plain, text.substr(0, plain)};
  const std::size_t size = utf8_length(text);
  const unsigned steering = steering_code(text.substr(0, size));
  if (size != 0 && steering == 0) return {size, text.substr(0, size)};
  constexpr char digits[] = "0123456789abcdef";
  escape[0] = '\\';
  if (size != 0) {
    escape[1] = 'u';
    for (int i = 0; i < 4; ++i) escape[2 + i] = digits[steering >> (12 - 4 * i) & 15];
    return {size, {escape, 6}};
  }
  const auto c = static_cast<unsigned char>(text.front());
  if (c == '"' || c == '\\') {
    escape[1] = static_cast<char>(c);
    return {1, {escape, 2}};
  }
  std::memcpy(escape + 1, "u00", 3);
  escape[4] = digits[c >> 4], escape[5] = digits[c & 15];
  return {1, {escape, 6}};
}

}  // namespace

unsigned steering_code(std::string_view sequence) {
  if (sequence.size() != 2 && sequence.size() != 3) return 0;
  unsigned code = static_cast<unsigned char>(sequence[0]) & (sequence.size() == 2 ? 0x1f : 0x0f);
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  const bool steers = code < 0xa0 || code == 0x61c || code == 0x200e || code == 0x200f ||
                      (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return steers ? code : 0;
}

void put_json_text(std::string_view text, std::size_t bytes_max, HeadWriter& out) {
  char escape[6];
  std::size_t room = bytes_max - mark_bytes_max;
  while (!text.empty()) {
    Step step = next_step(text, escape);
    if (step.written.size() > room) {
      if (step.taken != step.written.size() || step.taken <= 4) break;  // not divisible
      step = {room, step.written.substr(0, room)};
    }
    out.put(step.written);
    room -= step.written.size();
    text.remove_prefix(step.taken);
    if (room == 0) break;
  }
  if (text.empty()) return;
  out.put("...+");
  out.put(static_cast<std::uint64_t>(text.size()));
}

}  // namespace gatehouse::http
