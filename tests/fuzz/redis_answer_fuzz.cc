// What a Redis server answers: never incomplete at its limit, its verdict never changed by what follows, and only
// printable words told.
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/probe/resp.h"
#include "tests/fuzz/require.h"

using gatehouse::pool::read_redis_answer;
using gatehouse::pool::RedisAnswer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool master : {false, true}) {
    const RedisAnswer answer = read_redis_answer(bytes, master);
    if (answer.state == RedisAnswer::State::incomplete) {
      REQUIRE(size < gatehouse::pool::resp_answer_bytes_max && answer.output.empty());
      continue;
    }
    for (const char c : answer.output) REQUIRE(c >= ' ' && c <= '~');
    const RedisAnswer longer = read_redis_answer(std::string(bytes) + "\r\n:1\r\n", master);
    REQUIRE(longer.state == answer.state && longer.output == answer.output);
  }
  return 0;
}
