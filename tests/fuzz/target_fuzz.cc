// The normal form of a target is its own normal form, holds no dot segment and no escape that should be decoded, nor
// does its other reading, and taking a prefix off and putting one on leaves a path.
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/http/bytes.h"
#include "proxy/http/target.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using namespace gatehouse::http;

namespace {

void check_path(std::string_view path) {
  REQUIRE(path.starts_with('/'));
  const std::string closed = std::string(path) + "/";
  REQUIRE(closed.find("/../") == std::string::npos && closed.find("/./") == std::string::npos);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') continue;
    REQUIRE(path.size() - i >= 3 && hex_digit(path[i + 1]) >= 0 && hex_digit(path[i + 2]) >= 0);
    const int byte = hex_digit(path[i + 1]) * 16 + hex_digit(path[i + 2]);
    REQUIRE(byte != 0 && !is(static_cast<char>(byte), unreserved_byte));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string sent(reinterpret_cast<const char*>(data), size);
  if (sent == "*") return 0;
  std::vector<char> room(sent.size() + 1), again_room(sent.size() + 2);
  const auto target = normalise_target(sent, room);
  if (!target) return 0;
  check_path(target->path);
  const auto again = normalise_target(target->path, again_room);
  REQUIRE(again && again->path == target->path && again->query.empty());
  const auto forwarded = normalise_target(target->forward, again_room);
  REQUIRE(forwarded && forwarded->path == target->path && forwarded->query == target->query);

  std::vector<char> other_room(target->path.size());
  const std::string_view other = other_reading(target->path, other_room);
  check_path(other);
  for (const char* odd : {";", "%3B", "%2F", "%5C"}) REQUIRE(other.find(odd) == std::string_view::npos);

  const std::string strip = std::string(target->path.substr(0, target->path.find('/', 1)));
  std::vector<char> out(sent.size() + 10);
  const auto rewritten = rewrite_target(*target, strip, "/base", out);
  REQUIRE(rewritten && rewritten->starts_with("/base/") && rewritten->ends_with(target->query));
  const auto bare = rewrite_target(*target, strip, "", out);
  REQUIRE(bare && bare->starts_with('/'));
  return 0;
}
