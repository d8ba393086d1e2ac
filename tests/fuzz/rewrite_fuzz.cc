// A rule of `rewrite` and a path, a line each: whatever comes out is a path as it stands, or a location without a
// break.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "proxy/route/rewrite_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || size > 8192) return 0;
  const Result<conf::Rewrite> rule = conf::parse_rewrite(text.substr(0, end));
  if (!rule) return 0;
  struct Rooms {
    std::array<char, 9000> path, buffer, scratch, again;
  };
  static const auto rooms = std::make_unique<Rooms>();
  const auto target = http::normalise_target(text.substr(end + 1), rooms->path);
  if (!target) return 0;
  const route::Rewritten out = route::rewrite_path({&*rule, 1}, *target, rooms->buffer, rooms->scratch);
  using Outcome = route::Rewritten::Outcome;
  if (out.outcome == Outcome::rewritten) {
    const auto again = http::normalise_target(out.target.forward, rooms->again);
    if (!again || again->forward != out.target.forward || !out.target.path.starts_with('/')) std::abort();
  }
  if (out.outcome == Outcome::redirected) {
    if (out.location.find_first_of(" \r\n\t\x7f") != std::string::npos || out.code < 301) std::abort();
    if (out.location.starts_with("//") || out.location.starts_with("/\\")) std::abort();
  }
  return 0;
}
