// ban_table.h: which networks are banned now, and until when: one table of fixed size for all workers.
//   The worker that decides writes it; the next request or accept anywhere reads it. A look-up computes one keyed
//   hash for each length of prefix in use and touches a line or two of memory; none, while nobody is banned.
//   Memory   a ban stays after its end until its place is needed: so that who comes again is known (offences). In a
//            set of eight the oldest end goes first; where all eight live, the soonest end ends early, and is counted.
//   Threads  any, without locks: a place is claimed by compare-exchange of its hash, and holds once its word, which
//            repeats a part of the hash, is there. Who reads while that happens sees no ban.
//   Time     milliseconds, monotonic; what is kept over restarts is how long a ban still lasts (ban_file.h).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "conf/guard.h"
#include "net/ip.h"
#include "net/siphash.h"
#include "net/zeroed_array.h"

namespace gatehouse::ratelimit {

inline constexpr std::uint64_t for_ever = (std::uint64_t{1} << 40) - 1;
inline constexpr std::size_t jail_name_bytes = 24;

struct Ban {
  IpPrefix prefix;
  std::uint64_t since_ms = 0, until_ms = 0;
  conf::BanAction action = conf::BanAction::forbid;
  unsigned offences = 1;                     // with this one
  std::array<char, jail_name_bytes> jail{};  // as far as it fits; "admin" for who was banned by hand
  std::string_view jail_name() const {
    const std::string_view all(jail.data(), jail.size());
    return all.substr(0, all.find(char{}));
  }
  void set_jail(std::string_view name);
  bool live(std::uint64_t now_ms) const { return until_ms > now_ms; }
};

// What the gate needs to know of one.
struct BanVerdict {
  conf::BanAction action = conf::BanAction::forbid;
  std::uint64_t until_ms = 0;
  std::uint64_t id = 0;
};

// Ten hexadecimal digits that name a ban to people.
inline constexpr std::size_t ban_id_bytes = 10;
void write_ban_id(std::uint64_t id, std::array<char, ban_id_bytes>& out);

class BanTable {
 public:
  BanTable(const SipKey& key, std::size_t bans);  // rounded up to a power of two

  std::optional<BanVerdict> find(const IpAddress& client, std::uint64_t now_ms) const;
  bool empty() const { return (used_[0].load(relaxed) | used_[1].load(relaxed)) == 0; }

  enum class Added { nothing, prolonged, fresh };
  // Bans, or prolongs a ban that lives: of two ends the later one stays, and its offences are not counted anew.
  Added add(const Ban& ban, std::uint64_t now_ms);
  // Lifts the prefix and all within it, and forgets their offences. Gives how many lived.
  std::size_t lift(const IpPrefix& prefix, std::uint64_t now_ms);
  // What is known of exactly this prefix, over or not.
  std::optional<Ban> known(const IpPrefix& prefix) const;
  // Who bans this address; for people.
  std::optional<Ban> who_bans(const IpAddress& client, std::uint64_t now_ms) const;

  void each(const std::function<void(const Ban&)>& visit) const;  // live or not
  std::uint64_t id_of(const IpPrefix& prefix) const { return hash(prefix) >> 24; }

  std::size_t capacity() const { return sets_.size() * ways; }
  std::size_t live(std::uint64_t now_ms) const;
  std::uint64_t ended_early() const { return ended_early_.load(relaxed); }
  std::uint64_t changes() const { return changes_.load(relaxed); }  // counts up with each

 private:
  static constexpr unsigned ways = 8;
  static constexpr auto relaxed = std::memory_order_relaxed;
  struct Slot {
    std::uint64_t hash, word;
  };
  struct Set {
    Slot slot[ways];
  };
  struct Detail {
    std::uint64_t address[2], since_ms, numbers, jail[3], spare;
  };

  std::uint64_t hash(const IpPrefix& prefix) const;
  std::size_t set_of(std::uint64_t hash) const { return hash & (sets_.size() - 1); }
  Slot* claim(std::uint64_t hash, std::uint64_t now_ms, std::size_t& at);
  std::optional<Ban> read(std::size_t set, unsigned way) const;
  template <class Found>
  bool each_length(const IpAddress& client, Found found) const;

  const SipKey key_;
  ZeroedArray<Set> sets_;
  ZeroedArray<Detail> details_;
  std::array<std::atomic<std::uint64_t>, 2> used_{};  // lengths of prefix, a bit for each: 1 to 128
  std::atomic<std::uint64_t> ended_early_{0}, changes_{0};
};

}  // namespace gatehouse::ratelimit
