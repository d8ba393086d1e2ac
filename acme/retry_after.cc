#include "acme/retry_after.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>

#include "net/wall_time.h"

namespace gatehouse::acme {

std::optional<WallTime> read_http_date(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* end = ::strptime(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return wall_time(::timegm(&parts));
}

std::optional<Seconds> read_retry_after(std::string_view text, WallTime now) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return error != std::errc() ? later_most : Seconds(std::min<std::int64_t>(seconds, later_most.count()));
  }
  const std::optional<WallTime> date = read_http_date(text);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::ceil<Seconds>(*date - now), Seconds(0), later_most);
}

Seconds poll_delay(std::optional<Seconds> told, unsigned looks) {
  if (told) return std::clamp(*told, poll_least, poll_most);
  return Seconds(1 << std::min(looks, 3u));
}

}  // namespace gatehouse::acme
