// ticket_keys.h: the keys that session tickets are sealed with (RFC 5077, RFC 8446 4.6.1), and their rotation.
//   A ratchet: each period's secret is made from the one before by HMAC-SHA256, and the old one is erased, so that a
//   stolen process does not open the recorded traffic of last week. Whoever starts from one secret and lives by one
//   clock has the same keys: every worker keeps a copy of its own and advances it itself. No lock, nothing shared.
//   Three periods are accepted: the current one, the one before (its tickets are renewed), and the next, for a worker
//   or a node that is a little ahead.
//   Time  wall clock; it never goes back to an older period.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/clock.h"

namespace gatehouse {

struct TicketKey {
  std::array<std::uint8_t, 16> name{};           // sent in clear with the ticket
  std::array<std::uint8_t, 32> cipher{}, mac{};  // AES-256-CBC, HMAC-SHA256
};

class TicketKeys {
 public:
  static constexpr auto period = std::chrono::hours(12);
  struct Secret {
    std::array<std::uint8_t, 32> bytes{};
    std::int64_t period = 0;  // which it is the secret of
    ~Secret();                // wipes it
  };
  // Of the period that `now` is in. Throws std::runtime_error when the system has no randomness: at start only.
  static Secret make_secret(WallTime now);

  TicketKeys(const Secret& secret, WallTime now);
  // As another process had them, by its bytes(); nothing if they are none.
  static std::optional<TicketKeys> from_bytes(std::string_view bytes, WallTime now);
  std::string bytes() const;  // secret, for the process that takes over
  TicketKeys(const TicketKeys&) = default;
  TicketKeys& operator=(const TicketKeys&) = default;
  ~TicketKeys();

  void advance(WallTime now);  // cheap when nothing is due: call it on every timer turn

  const TicketKey& current() const { return keys_[1]; }
  struct Found {
    const TicketKey* key = nullptr;  // null: none of ours, or too old
    bool renew = false;              // give the client a new ticket
  };
  Found find(std::span<const std::uint8_t, 16> name) const;

 private:
  Secret next_;                    // of the period after the current one
  std::array<TicketKey, 3> keys_;  // before, current, next
};

}  // namespace gatehouse
