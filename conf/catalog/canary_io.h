// canary_io.h: registers the door with its agent, and looks whether the catalog shows it.
//   While it does, what the catalog loses may be believed; a look is cheap enough to take one before believing it.
//   The looks don't block and go past Consul's streaming, whose answers call themselves fresh when all servers are
//   dead: so the age they tell is an honest one. They also keep the registration's TTL check passing.
//   A door that may not register (no right, or none wanted) proves nothing and refutes nothing; nor does one whose
//   agent is of another datacenter than the one asked for: it is registered there.
//   Threads  control. Source: facts of a real Consul 1.12, tests/system.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conf/catalog/consul_agent_io.h"
#include "conf/catalog/own_service.h"
#include "conf/finding.h"

namespace gatehouse::catalog {

class Canary {
 public:
  static constexpr Millis usual{5'000}, anxious{1'000};  // between two looks
  static constexpr Millis age_most{10'000};              // of what the answering server knows

  struct Tell {
    std::function<void()> on_change;   // it is seen, or no longer
    std::function<void()> on_setback;  // the servers count from an earlier index: they were wiped or restored
  };
  Canary(asio::io_context& io, ConsulAgent& agent, OwnService own, Tell tell);

  // A look that begins now; whether what the catalog lost may be believed.
  void confirm(std::function<void(bool believe)> done);
  void look();  // soon, rather than in time
  // Takes the registration back. It won't look again.
  void leave(std::function<void()> left = {});
  void retire();  // the registration is another process's now
  const std::string& id() const { return own_.id; }

  struct View {
    bool registers = false;     // it is to register, and may
    bool seen = false;          // at the last look
    bool leader = true;         // the servers had one
    std::int64_t fresh_ms = 0;  // wall clock: the catalog was known to be as it was told then; 0: never
  };
  const View& view() const { return view_; }
  conf::Findings findings(const std::string& where) const;

 private:
  enum class Right { unknown, given, denied, elsewhere };  // elsewhere: the agent is of another datacenter
  void enroll();
  void read();
  void read_here();
  void on_enrolled(const Result<ConsulReply>& got);
  void on_read(const Result<ConsulReply>& got);
  void conclude(bool seen, std::string trouble);
  void refresh_ttl();
  bool was_set_back(std::uint64_t index);
  bool proves() const { return !own_.name.empty() && right_ != Right::denied && right_ != Right::elsewhere; }

  ConsulAgent& agent_;
  const OwnService own_;
  const Tell tell_;
  asio::steady_timer timer_;
  Right right_ = Right::unknown;
  bool looking_ = false, left_ = false;
  unsigned misses_ = 0;            // looks in a row that didn't show it
  std::uint64_t index_ = 0;        // the highest that a look was answered with
  unsigned behind_ = 0;            // looks in a row that were answered with less
  std::string trouble_, refusal_;  // why it isn't seen; why it isn't registered
  std::vector<std::function<void(bool)>> asked_, answering_;
  View view_;
};

}  // namespace gatehouse::catalog
