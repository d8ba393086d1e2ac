// guard_desk.h: what people are told of the guard: who did what before he was banned, how a ban ends, who is banned.
//   Fed with the workers' records; holds the last strikes of each offender. Control thread only.
//   Limits   offenders_max offenders, strikes_max strikes each: the one that was quiet longest is forgotten. Bans are
//            told one by one up to told_max between two looks, the rest as a number.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "cli/json.h"
#include "ratelimit/watch.h"

namespace gatehouse::cli {

class GuardDesk {
 public:
  static constexpr std::size_t offenders_max = 4096, strikes_max = 16, told_max = 20;

  // Takes records; gives what is to be told: "192.0.2.1 banned by scanners for 1h (offence 2)".
  void take(const ratelimit::StrikeRecord& record);
  std::vector<std::string> news();

  // The strikes of a prefix, the oldest first, with wall-clock times.
  json::array strikes_of(const IpPrefix& prefix, std::int64_t wall_minus_steady_ms) const;
  std::size_t offenders() const { return strikes_.size(); }

 private:
  struct Offender {
    std::deque<ratelimit::StrikeRecord> strikes;
    std::list<IpPrefix>::iterator age;
  };
  std::map<IpPrefix, Offender> strikes_;
  std::list<IpPrefix> by_age_;  // the most recent at the end
  std::vector<std::string> news_;
  std::size_t more_ = 0;
};

// A ban for people and programs.
json::object ban_json(const ratelimit::Ban& ban, std::uint64_t id, std::int64_t now_ms, std::int64_t wall_ms);
std::string ban_id_text(std::uint64_t id);

}  // namespace gatehouse::cli
