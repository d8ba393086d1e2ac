// stats.h: what is counted of a tunnel and an identity, over all workers and over reloads.
//   Threads  any: relaxed atomics, touched at a connection's begin and end and every 64 KiB.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gatehouse::tunnel {

// How a connection ended, or why it was none. Documented in docs/tunnel.md; names are for logs and metrics.
enum class End : std::uint8_t {
  ok,            // both sides said their end
  idle,          // nothing came for idle_timeout
  client_reset,  // the side that came in
  server_reset,  // the side that was dialled
  truncated,     // TLS broke off without its end
  revoked,       // the identity lost its key, its service or its network
  shutdown,      // this process ended it
  client_gone,   // before the other side was reached
  source,        // refused: no identity may come from there
  half_open,     // refused: too many handshakes under way
  overload,      // refused: connections, memory or descriptors are used up
  timeout,       // the handshake took too long
  handshake,     // it failed
  unknown_identity,
  wrong_key,
  not_psk,  // completed, but not by the key
  no_service,
  not_allowed,
  too_many,     // the identity's max_connections
  unreachable,  // nobody could be connected to
  refused_by_exit,
  banned,  // refused: the guard says no
};
inline constexpr std::size_t end_count = 22;

constexpr std::string_view name_of(End end) {
  constexpr std::array<std::string_view, end_count> names = {
      "ok",          "idle",    "client_reset", "server_reset", "truncated", "revoked",     "shutdown",
      "client_gone", "source",  "half_open",    "overload",     "timeout",   "handshake",   "unknown_identity",
      "wrong_key",   "not_psk", "no_service",   "not_allowed",  "too_many",  "unreachable", "refused_by_exit",
      "banned"};
  return names[static_cast<std::size_t>(end)];
}

struct Stats {
  std::atomic<std::uint64_t> connections{0}, open{0}, bytes_in{0}, bytes_out{0};  // in: from who connected
  std::atomic<std::uint64_t> handshakes{0}, handshake_us{0}, rekeys{0};
  std::array<std::atomic<std::uint64_t>, end_count> ends{};
  std::atomic<std::int64_t> last_seen_ms{0};  // wall clock

  void count(End end) { ends[static_cast<std::size_t>(end)].fetch_add(1, std::memory_order_relaxed); }
};
using StatsPtr = std::shared_ptr<Stats>;

}  // namespace gatehouse::tunnel
