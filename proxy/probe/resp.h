// resp.h: what a Redis server answers to the few words of a health check, in its protocol (RESP 2). Pure.
//   Asked is PING, or ROLE where only a master will do. Read is no more than the answer's first element: what follows
//   in ROLE's array is not looked at. Bounded: a line is 512 bytes at most.
//   Source   redis.io/docs/latest/develop/reference/protocol-spec, redis.io/commands/role
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::pool {

inline constexpr std::size_t resp_answer_bytes_max = 2048;  // as far as it is read

std::string_view redis_request(bool master);

struct RedisAnswer {
  enum class State { incomplete, passing, critical };
  State state = State::incomplete;
  std::string output;  // "Redis: PONG", "Redis: a slave"
};

// `bytes`: all that came so far. `incomplete` only below resp_answer_bytes_max.
RedisAnswer read_redis_answer(std::string_view bytes, bool master);

}  // namespace gatehouse::pool
