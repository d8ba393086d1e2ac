// consul_source_io.h: one datacenter's Consul as a source of instances, watched by blocking queries.
//   One query watches the names of all services and their tags; one each kind of config entry; one more each service
//   that carries a tag of ours or is wanted besides. Each service keeps its last good answer, whatever becomes of
//   Consul, and what an answer lacks leaves only with evidence (hold_down.h). While the agent is away only the first
//   of these queries asks for it; the others follow, spread over a moment.
//   Threads  control. Changes are told at once, in a flood every 250 ms on average, or less often where what is made
//            of them takes long.
//   Limits   connections_most of HttpClient, services_most watched.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "conf/catalog/blocking_query.h"
#include "conf/catalog/canary_io.h"
#include "conf/catalog/consul_agent_io.h"
#include "conf/catalog/consul_health.h"
#include "conf/catalog/hold_down.h"
#include "conf/catalog/snapshot.h"
#include "conf/config.h"
#include "net/dice.h"

namespace gatehouse::catalog {

class ConsulSource {
 public:
  static constexpr std::size_t services_most = 20'000;
  using OnChange = std::function<void(const std::string& cause)>;
  using IsOurs = std::function<bool(const std::string& tag)>;  // a tag that makes its service one to watch

  // `wanted`: services that need no tag. `own`: as what the door registers itself.
  ConsulSource(asio::io_context& io, const conf::ConsulServer& server, std::set<std::string> wanted, IsOurs is_ours,
               OwnService own, std::uint64_t seed, OnChange on_change);
  ~ConsulSource();
  ConsulSource(const ConsulSource&) = delete;
  ConsulSource& operator=(const ConsulSource&) = delete;

  // What is known from before, to be served until Consul is heard. Only right after the construction.
  void remember(const SourceInstances& known);
  const std::string& name() const { return place_.shown_as; }  // "consul dc1"
  const conf::ConsulServer& server() const { return server_; }
  void want(const std::set<std::string>& services);
  void watch_services();  // also where `is_ours` judges otherwise than before
  // Services of which two at once would be worse than none: what the catalog lost of them is gone.
  void never_hold(std::set<std::string> services) { never_held_ = std::move(services); }
  // Takes the door's registration back; `left` is called when that is over, not before this returns.
  void leave(std::function<void()> left = {}) { canary_.leave(std::move(left)); }
  void retire() { canary_.retire(); }                  // who takes over from us has it
  bool registers_as(const ConsulSource& other) const;  // at the same agent
  std::vector<conf::Instance> instances() const;       // the last good of each service, in the order of names
  std::map<std::string, std::string> entries() const;  // config entries, the last good of each kind
  bool is_heard() const;  // every query had an answer, and all is told; or there is none to be had
  // Our own check of an endpoint ("node/id") failed: one that is held only by us goes.
  void check_failed(const std::string& service, const std::string& endpoint, const std::string& datacenter);
  std::size_t approve(const std::string& service, const std::string& id);
  std::vector<HoldDown::Held> held() const { return hold_.held(); }
  conf::Findings findings() const;  // what is wrong with it now

  struct View {
    std::string datacenter, address;
    ConsulFault fault = ConsulFault::none;  // of the last answer
    std::string trouble;                    // the same for people; empty: none
    std::int64_t asked_since_ms = 0;        // wall clock
    std::int64_t good_at_ms = 0;            // when an answer was good last; wall clock, 0: never
    std::uint64_t index = 0;                // of the last good answer
    std::size_t services = 0, watched = 0, connections = 0;
    std::uint64_t queries = 0, failures = 0, changes = 0;  // since the start
    std::size_t held = 0;
    bool trusted = false;  // what it loses is believed
    bool known = false;    // what it has: it was heard, or it is from before
    Canary::View canary;
  };
  View view() const;

 private:
  class Watch;
  struct Entries {
    std::string text;  // snapshot_entries.h
    std::size_t count = 0;
    bool operator==(const Entries&) const = default;
  };
  void ask(Watch& watch);
  void take(Watch& watch, const Result<ConsulReply>& got);
  std::string take(Watch& watch, const ConsulReply& reply, const BlockingQuery::Step& step);
  std::string take_names(const std::string& body);
  std::string take_health(Watch& watch, const ConsulReply& reply, const BlockingQuery::Step& step);
  void apply(Watch& watch, const std::vector<conf::Instance>& said, bool trusted);
  std::string take_entries(Watch& watch, const std::string& body, const BlockingQuery::Step& step);
  void keep(Watch& watch, Entries entries);
  void note_regression();
  bool is_over(const Watch& watch) const;
  void forget(const Watch& watch);
  bool settled() const;  // no server lost its memory of late
  bool trusted() const;
  void schedule(Watch& watch, TimePoint at);
  void note_fault(Watch& watch, ConsulFault fault, std::string trouble);
  const Watch* troubled() const;  // whose fault stands for all; null: all is well
  void on_canary();
  bool is_answered() const;
  bool is_read() const;  // all that is watched, by good answers
  void begin_anew();
  void let_all_ask();
  void watch_entries();
  Watch& watch_of(const std::string& service);  // a new one doesn't ask yet
  void look_at_held();
  void look_at_doubted();
  void apply_doubted(bool believe);
  void tell(const std::string& cause);

  asio::io_context& io_;
  conf::ConsulServer server_;
  ConsulPlace place_;
  std::set<std::string> wanted_, never_held_;
  std::set<std::string> due_;   // services to be watched
  std::size_t left_out_ = 0;    // that would be, were there not too many
  conf::Findings passed_over_;  // of those that are not
  IsOurs is_ours_;
  Dice dice_;
  OnChange on_change_;
  ServiceTags names_;
  HoldDown hold_;
  TimePoint regressed_at_{};  // when an index went backwards last: servers may know less than they did
  asio::steady_timer expire_timer_, doubt_timer_;
  bool doubts_ = false;  // somebody was lost, and it is to be looked at
  std::unique_ptr<Watch> list_;
  std::map<std::string, std::unique_ptr<Watch>> services_;
  std::vector<std::unique_ptr<Watch>> kinds_;  // of config entries
  View view_;
  bool heard_ = false;
  bool known_ = false;  // what it has was told: as it is, or as it was before
  bool away_ = false;   // the agent doesn't answer as it should
  std::vector<std::string> causes_;
  asio::steady_timer tell_timer_;
  bool tells_ = false;
  TimePoint told_at_{}, told_before_{};
  Millis quiet_{};  // between two tellings, on average
  // The last: their callbacks end before what they use.
  ConsulAgent agent_;
  ConsulAgent looks_;  // with connections of its own: a look waits for none of the watches
  Canary canary_;
};

}  // namespace gatehouse::catalog
