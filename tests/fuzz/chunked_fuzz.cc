// A chunked body gives the same however its bytes come, and what was passed on is a strict chunked body of the same
// payload, without what a guard names. The first byte seeds where the pieces end.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include "proxy/http/chunked.h"
#include "tests/fuzz/require.h"

using namespace gatehouse::http;

namespace {

const std::vector<std::string> guarded{"X-User"};
const TrailerGuard guard{nullptr, &guarded, true};

struct Outcome {
  std::string kept;
  std::size_t consumed = 0;
  bool done = false, faulty = false;
};

Outcome feed(const std::string& bytes, ChunkedBody::Mode mode, std::mt19937* dice) {
  ChunkedBody body(mode, guard);
  Outcome out;
  while (out.consumed < bytes.size() && !out.done && !out.faulty) {
    const std::size_t left = bytes.size() - out.consumed;
    const std::size_t size = dice ? std::min<std::size_t>(1 + (*dice)() % 7, left) : left;
    std::string piece = std::string(trailer_name_bytes_max, '#') + bytes.substr(out.consumed, size);
    const auto fed = body.feed(piece.data() + trailer_name_bytes_max, size);
    REQUIRE(fed.kept <= fed.consumed + fed.before && fed.consumed <= size && fed.before <= trailer_name_bytes_max);
    REQUIRE(fed.before == 0 || out.consumed > 0);
    REQUIRE(fed.consumed == size || fed.done || fed.fault);
    out.kept.append(piece, trailer_name_bytes_max - fed.before, fed.kept);
    out.consumed += fed.consumed;
    out.done = fed.done, out.faulty = fed.fault != nullptr;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  std::mt19937 dice(data[0]);
  for (const auto mode : {ChunkedBody::Mode::pass, ChunkedBody::Mode::decode}) {
    const Outcome whole = feed(bytes, mode, nullptr), pieces = feed(bytes, mode, &dice);
    REQUIRE(whole.done == pieces.done && whole.faulty == pieces.faulty && whole.consumed == pieces.consumed);
    REQUIRE(whole.kept == pieces.kept);
  }
  const Outcome passed = feed(bytes, ChunkedBody::Mode::pass, nullptr);
  if (!passed.done) return 0;
  std::string framed = std::string(trailer_name_bytes_max, '#') + passed.kept;
  ChunkedBody split(ChunkedBody::Mode::split);
  const auto fed = split.feed(framed.data() + trailer_name_bytes_max, passed.kept.size());
  std::string_view trailers(framed.data() + trailer_name_bytes_max + fed.kept - fed.trailer, fed.trailer);
  for (; !trailers.empty(); trailers.remove_prefix(trailers.find('\n') + 1))
    REQUIRE(!guard.drops(trailers.substr(0, trailers.find(':'))));
  const Outcome payload = feed(bytes, ChunkedBody::Mode::decode, nullptr);
  const Outcome again = feed(passed.kept, ChunkedBody::Mode::pass, nullptr);
  REQUIRE(again.done && again.consumed == passed.kept.size() && again.kept == passed.kept);
  REQUIRE(feed(passed.kept, ChunkedBody::Mode::decode, nullptr).kept == payload.kept);
  return 0;
}
