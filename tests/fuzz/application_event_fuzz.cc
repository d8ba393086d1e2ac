// X-Ban-Event, as backends may send it: what is given out lies within what came in, and keeps its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ratelimit/application_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gatehouse::ratelimit::ApplicationEvent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = gatehouse::ratelimit::parse_application_event(text);
  if (!read) return 0;
  const auto lies_within = [&](std::string_view part) {
    return part.empty() || (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
  };
  if (size > ApplicationEvent::bytes_max || read->reason.empty()) std::abort();
  if (!lies_within(read->reason) || !lies_within(read->user)) std::abort();
  if (read->weight == 0 || read->weight > ApplicationEvent::weight_max) std::abort();
  return 0;
}
