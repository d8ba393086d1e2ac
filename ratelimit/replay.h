// replay.h: rules tried on events of a log: whom they would have banned, for what, and what that ban would have
//   refused. The same jails, tables and windows as in the door, with the log's time in place of the clock. Pure.
//   Who is banned shows no events until the ban's end, as in the door: here they are counted as refused. What the
//   door had refused as banned, by the rules of then, is passed over: what it would have got is not known.
//   Time   goes forward alone: a line that is late by the order of its log counts as come with the one before.
//   Limits bans_max are kept, and the last evidence_max events of each; offenders_max have evidence kept.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "ratelimit/log_event.h"
#include "ratelimit/watch.h"

namespace gatehouse::ratelimit {

struct Evidence {
  std::int64_t wall_ms = 0;
  int status = 0;
  std::string request;  // GET host/path
};

struct ReplayedBan {
  IpPrefix prefix;
  std::string jail;
  bool enforced = false;                     // false: its jail observes
  std::int64_t begin_ms = 0, length_ms = 0;  // wall clock; -1: for ever
  unsigned offences = 0;
  std::uint64_t refused = 0, refused_good = 0;  // good: answered below 400 in the log
  std::vector<Evidence> evidence;               // the oldest first
};

class Replay {
 public:
  static constexpr std::size_t bans_max = 100'000, evidence_max = 16, offenders_max = 65'536, request_bytes_max = 200;

  Replay(const conf::Guard& guard, std::vector<IpPrefix> spared);

  void take(const LoggedEvent& logged);

  const std::vector<ReplayedBan>& bans() const { return bans_; }  // in their order
  std::uint64_t passed_over() const { return passed_over_; }      // events that were refused as banned then
  std::uint64_t left_out() const { return left_out_; }            // bans beyond bans_max

 private:
  using Offender = std::pair<IpPrefix, std::string>;
  struct Kept {
    std::deque<Evidence> events;
    std::list<Offender>::iterator age;
  };
  void note(const StrikeRecord& record, const LoggedEvent& logged);
  void keep(const Offender& offender, const LoggedEvent& logged);

  const Rules rules_;
  Tables tables_;
  LogRing told_;
  std::map<Offender, Kept> kept_;
  std::list<Offender> by_age_;
  std::vector<ReplayedBan> bans_;
  std::map<IpPrefix, std::size_t> live_;  // the last ban of each
  std::int64_t first_ms_ = 0;
  std::uint64_t now_ms_ = 0, left_out_ = 0, passed_over_ = 0;
};

// Those of `now` whose prefix no ban of `before` has, where both are enforced.
std::vector<const ReplayedBan*> not_among(const std::vector<ReplayedBan>& now,
                                          const std::vector<ReplayedBan>& before);

}  // namespace gatehouse::ratelimit
