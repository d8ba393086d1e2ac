// Lines of logs, whose text strangers chose: what is read of one keeps its bounds and never changes another one's.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ratelimit/log_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gatehouse::ratelimit::LoggedEvent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = gatehouse::ratelimit::read_logged_event(text);
  if (!read) return 0;
  if (size > LoggedEvent::line_bytes_max || read->status < 0 || read->status > 999) std::abort();
  if (read->path.find('?') != std::string::npos) std::abort();
  const auto event = read->event();
  if (event.event != "request" || event.client.text().empty()) std::abort();
  return 0;
}
