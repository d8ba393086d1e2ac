// name_table.h: which names to look up when, and what is known of them. Pure: time and answers come in as values.
//   A name is asked again when its answer's TTL, within [ttl_min, ttl_max], is over; after a failure in growing
//   steps. The last good addresses are kept for `hold` after they were last confirmed, whatever the failure: a name
//   server that is gone, or for a moment knows nothing, takes no backend away.
//   Limits  addresses_max a name (the first in order; the rest is left out), names as many as are wanted.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/ip.h"

namespace gatehouse {

struct ResolvedName {
  std::vector<IpAddress> addresses;  // sorted; empty: not to be had
  std::string error;                 // of the last try; empty: it was good
  bool operator==(const ResolvedName&) const = default;
};
using ResolvedNames = std::map<std::string, ResolvedName>;  // a name not in it has not been answered yet

class NameTable {
 public:
  static constexpr Seconds ttl_min{1}, ttl_max{60}, retry_max{30};
  static constexpr auto hold = std::chrono::minutes(10);
  static constexpr std::size_t addresses_max = 64;

  void want(const std::set<std::string>& names, TimePoint now);  // these and no others; new ones are due at once
  std::vector<std::string> take_due(TimePoint now, std::size_t max);
  std::optional<TimePoint> next_due() const;  // none: nothing is wanted, or all are being asked

  // The answer to a name that was taken. True: snapshot() has changed.
  bool answer(const std::string& name, std::vector<IpAddress> addresses, Seconds ttl, TimePoint now);
  bool failure(const std::string& name, std::string error, TimePoint now);

  ResolvedNames snapshot() const;

 private:
  struct Entry {
    ResolvedName known;
    bool answered = false, asking = false;
    unsigned failures = 0;  // in a row
    TimePoint due, confirmed;
    bool learn(ResolvedName fresh);
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace gatehouse
