#include "conf/catalog/consul_source_io.h"

#include <algorithm>

#include "conf/catalog/config_entries.h"
#include "conf/catalog/passed_over.h"
#include "conf/catalog/snapshot_entries.h"
#include "net/encoding.h"

namespace gatehouse::catalog {
namespace {

constexpr Millis spread = 200ms;       // over which watches come back together
constexpr Millis quiet_least = 250ms;  // between two tellings in a flood
constexpr Millis quiet_most = 2s;
constexpr Millis regression_lasts = 60s;  // agents register anew what a wiped server lost
constexpr Millis held_look = 10s;
constexpr Millis settle = 250ms;           // in which a node that goes takes all its services with it
constexpr std::size_t waiting_most = 120;  // queries at once; HttpClient opens some more

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// "consul", "consul dc1", "consul dc1 edge/team-a"
std::string shown_name(const conf::ConsulServer& server) {
  std::string out = "consul";
  if (!server.datacenter.empty()) out += " " + server.datacenter;
  if (!server.partition.empty() || !server.namespace_.empty())
    out += " " + server.partition + (server.namespace_.empty() ? "" : "/" + server.namespace_);
  return out;
}

}  // namespace

// One blocking query: of a service's instances, of all names, or of a kind of config entry.
class ConsulSource::Watch {
 public:
  Watch(asio::io_context& io, std::string path_, std::string name_ = {}, std::string kind_ = {})
      : path(std::move(path_)), name(std::move(name_)), kind(std::move(kind_)), timer(io) {}

  void begin_anew() {
    query = {};
    asking = false;
    timer.cancel();
  }

  const std::string path, name, kind;  // of the service, or of config entry; else empty
  BlockingQuery query;
  asio::steady_timer timer;
  bool asking = false;                    // an answer is awaited
  bool answered = false;                  // there was one, good or not
  bool known = false;                     // there was a good one
  ConsulFault fault = ConsulFault::none;  // of the last answer
  std::string trouble;                    // the same for people
  std::vector<conf::Instance> instances;
  Entries entries;
  std::optional<Entries> fewer;                        // an answer that lacks some
  std::optional<std::vector<conf::Instance>> doubted;  // an answer that lacks some: it waits for a look
  TimePoint doubted_at{};
};

ConsulSource::ConsulSource(asio::io_context& io, const conf::ConsulServer& server, std::set<std::string> wanted,
                           IsOurs is_ours, OwnService own, std::uint64_t seed, OnChange on_change)
    : io_(io),
      server_(server),
      place_{server.datacenter, shown_name(server), server.tagged_address},
      wanted_(std::move(wanted)),
      is_ours_(std::move(is_ours)),
      dice_(seed),
      on_change_(std::move(on_change)),
      expire_timer_(io),
      doubt_timer_(io),
      list_(std::make_unique<Watch>(io, "/v1/catalog/services")),
      tell_timer_(io),
      agent_(io, server),
      looks_(io, server),
      canary_(io, looks_, std::move(own),
              {.on_change = [this] { on_canary(); },
               .on_setback =
                   [this] {
                     regressed_at_ = Clock::now();
                     begin_anew();
                   }}) {
  view_.datacenter = server.datacenter;
  view_.address = server.address.text();
  view_.asked_since_ms = wall_ms();
  watch_entries();
  ask(*list_);
  look_at_held();
}

ConsulSource::~ConsulSource() = default;

bool ConsulSource::registers_as(const ConsulSource& other) const {
  return server_.address == other.server_.address && server_.partition == other.server_.partition &&
         server_.namespace_ == other.server_.namespace_ && canary_.id() == other.canary_.id();
}

void ConsulSource::want(const std::set<std::string>& services) {
  if (wanted_ == services) return;
  wanted_ = services;
  watch_services();
}

// The list's query comes first: the services follow its first answer.
void ConsulSource::remember(const SourceInstances& known) {
  known_ = !known.instances.empty();
  away_ = away_ || known_;
  for (const auto& watch : kinds_)
    if (const auto found = known.entries.find(watch->kind); found != known.entries.end())
      if (const auto read = parse_config_entries("[" + found->second + "]", place_))
        watch->entries = {found->second, read->size()};
  for (const conf::Instance& instance : known.instances) {
    hold_.remember(instance, Clock::now());
    watch_of(instance.service);
  }
  for (const auto& [name, watch] : services_) watch->instances = hold_.instances(name);
  view_.watched = services_.size();
}

void ConsulSource::ask(Watch& watch) {
  if (watch.asking || (away_ && &watch != list_.get())) return;
  watch.asking = true;
  ++view_.queries;
  // Without HTTP/2 each query that waits holds a connection: more services than there are take turns.
  const bool crowded = !server_.address.tls && services_.size() > waiting_most;
  const BlockingQuery::Ask ask = watch.query.ask(crowded && !watch.name.empty());
  std::string path = watch.path + "?stale";
  if (ask.index != 0)
    path += "&index=" + std::to_string(ask.index) + "&wait=" + std::to_string(ask.wait.count()) + "ms";
  agent_.get(std::move(path), ask.deadline, [this, &watch](const Result<ConsulReply>& got) {
    watch.asking = false;
    const bool first_of_kind = !std::exchange(watch.answered, true) && !watch.kind.empty();
    take(watch, got);  // which may be the end of it
    if (first_of_kind) watch_services();
    if (!heard_ && !tells_ && is_answered()) tell("is heard");
  });
}

void ConsulSource::take(Watch& watch, const Result<ConsulReply>& got) {
  const TimePoint now = Clock::now();
  if (!got) {
    const BlockingQuery::Step step = watch.query.on_silence(now, dice_.roll());
    note_fault(watch, step.fault, got.error().what);
    return schedule(watch, step.next);
  }
  const ConsulReply& reply = *got;
  BlockingQuery::Step step = watch.query.on_reply(reply, now, dice_.roll());
  if (step.fault != ConsulFault::none) {
    note_fault(watch, step.fault, trouble_of(reply));
    return schedule(watch, step.next);
  }
  const std::string wrong = take(watch, reply, step);
  if (!wrong.empty()) {
    step = watch.query.on_garbage(now, dice_.roll());
    note_fault(watch, step.fault, wrong);
    return schedule(watch, step.next);
  }
  view_.good_at_ms = wall_ms();
  view_.index = step.regressed ? reply.index : std::max(view_.index, reply.index);
  note_fault(watch, ConsulFault::none, "");
  if (is_over(watch)) return forget(watch);
  schedule(watch, step.next);
  if (&watch == list_.get()) watch_services();
}

// Nobody asks for it any more, and nothing of it is left to be served, not even as a 503.
bool ConsulSource::is_over(const Watch& watch) const {
  return !watch.name.empty() && list_->known && !due_.contains(watch.name) && hold_.instances(watch.name).empty();
}

void ConsulSource::forget(const Watch& watch) {
  const std::string name = watch.name;
  services_.erase(name);
  hold_.forget(name);
  view_.watched = services_.size();
}

// It looks each second while something is wrong: whoever waits longer after a failure need not.
void ConsulSource::on_canary() {
  const bool seen = canary_.view().seen;
  tell(seen ? "is trusted" : "is not trusted");
  if (!seen) return;
  // What was lost meanwhile may be there again, behind an index that has not moved.
  const bool lost_some = std::ranges::any_of(kinds_, [](const auto& watch) { return watch->fewer.has_value(); }) ||
                         !hold_.held().empty();
  if (lost_some) return begin_anew();
  if (away_ && !list_->asking) ask(*list_);
  let_all_ask();
}

// From the index 0: a query that waits for an index which wiped servers may not reach for days hears of nothing.
void ConsulSource::begin_anew() {
  agent_.drop_all();
  list_->begin_anew();
  ask(*list_);
  for (auto& [name, watch] : services_) watch->begin_anew();
  for (auto& watch : kinds_) watch->begin_anew();
  let_all_ask();
}

// What is wrong with the answer; empty: it was taken.
std::string ConsulSource::take(Watch& watch, const ConsulReply& reply, const BlockingQuery::Step& step) {
  if (!watch.kind.empty()) return take_entries(watch, reply.body, step);
  return watch.name.empty() ? take_names(reply.body) : take_health(watch, reply, step);
}

std::string ConsulSource::take_names(const std::string& body) {
  Result<ServiceTags> names = parse_services(body);
  if (!names) return names.error().what;
  names_ = std::move(*names);
  list_->known = true;
  return {};
}

std::string ConsulSource::take_health(Watch& watch, const ConsulReply& reply, const BlockingQuery::Step& step) {
  std::set<InstanceKey> unproven;
  Result<std::vector<conf::Instance>> found = parse_health(reply.body, place_, &unproven);
  if (!found) return found.error().what;
  // Consul looks names up in any case of letters, and gives the instances of another that is written so, too.
  std::erase_if(*found, [&](const conf::Instance& instance) { return instance.service != watch.name; });
  hold_.recall(watch.name, *found, unproven);
  if (step.regressed) note_regression();
  const bool doubted_before = watch.doubted.has_value();  // churn puts nothing off
  watch.doubted.reset();
  const bool trusted = !step.unmoved && settled();
  if (!hold_.doubt(watch.name, *found, Clock::now()) || !trusted) {
    apply(watch, *found, trusted);
    return {};
  }
  watch.doubted = std::move(*found);
  if (!doubted_before) watch.doubted_at = Clock::now();
  if (!std::exchange(doubts_, true)) look_at_doubted();
  return {};
}

void ConsulSource::note_regression() {
  regressed_at_ = Clock::now();
  canary_.look();
}

// Fewer entries may be lost ones rather than deleted ones, and are looked at before they are believed.
std::string ConsulSource::take_entries(Watch& watch, const std::string& body, const BlockingQuery::Step& step) {
  if (step.regressed) note_regression();
  const Result<ConfigEntries> read = parse_config_entries(body, place_);
  if (!read) return read.error().what;
  Entries said{entries_to_keep(body, place_.shown_as), read->size()};
  const std::optional<Entries> waited = std::exchange(watch.fewer, {});
  if (said.count >= watch.entries.count) {
    keep(watch, std::move(said));
    return {};
  }
  const bool moved = !step.unmoved || waited == said;  // of what waits the index has moved before
  watch.fewer = std::move(said);
  if (moved && settled())
    canary_.confirm([this, &watch](bool believe) {
      if (believe && watch.fewer) keep(watch, *std::exchange(watch.fewer, {}));
    });
  return {};
}

void ConsulSource::keep(Watch& watch, Entries entries) {
  const bool first = !std::exchange(watch.known, true);
  if (!first && entries == watch.entries) return;
  watch.entries = std::move(entries);
  ++view_.changes;
  tell("config entries");
}

// Who was lost is looked at together with all that were lost in the same moment.
void ConsulSource::look_at_doubted() {
  doubt_timer_.expires_after(settle);
  doubt_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) canary_.confirm([this](bool believe) { apply_doubted(believe); });
  });
}

void ConsulSource::apply_doubted(bool believe) {
  doubts_ = false;
  for (auto& [name, watch] : services_) {
    if (!watch->doubted) continue;
    const bool late = Clock::now() - watch->doubted_at < settle;
    doubts_ = doubts_ || late;
    if (late) continue;
    const auto said = std::exchange(watch->doubted, {});
    apply(*watch, *said, believe);
  }
  if (doubts_) look_at_doubted();
}

bool ConsulSource::settled() const {
  return regressed_at_ == TimePoint{} || Clock::now() - regressed_at_ > regression_lasts;
}

void ConsulSource::apply(Watch& watch, const std::vector<conf::Instance>& said, bool trusted) {
  const bool single = never_held_.contains(watch.name);
  std::vector<conf::Instance> now = hold_.update(watch.name, said, trusted, single, Clock::now());
  const bool first = !std::exchange(watch.known, true);
  if (!first && now == watch.instances) return;
  watch.instances = std::move(now);
  ++view_.changes;
  tell(watch.name);
}

void ConsulSource::check_failed(const std::string& service, const std::string& endpoint,
                                const std::string& datacenter) {
  const std::size_t slash = endpoint.find('/');
  if (slash == endpoint.npos) return;
  if (!hold_.drop(service, endpoint.substr(0, slash), endpoint.substr(slash + 1), datacenter)) return;
  services_.at(service)->instances = hold_.instances(service);
  tell(service);
}

bool ConsulSource::trusted() const { return !away_ && settled() && canary_.view().seen; }

std::size_t ConsulSource::approve(const std::string& service, const std::string& id) {
  const std::size_t gone = hold_.approve(service, id);
  if (gone == 0) return 0;
  services_.at(service)->instances = hold_.instances(service);
  tell(service);
  return gone;
}

void ConsulSource::look_at_held() {
  const TimePoint now = Clock::now();
  // A door that registers nowhere can't tell a catalog that lost something from one that hides it.
  if (hold_.expire(trusted() && canary_.view().registers, now)) {
    for (auto& [name, watch] : services_) watch->instances = hold_.instances(name);
    tell("held long enough");
  }
  expire_timer_.expires_after(held_look);
  expire_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look_at_held();
  });
}

void ConsulSource::schedule(Watch& watch, TimePoint at) {
  if (at <= Clock::now()) return ask(watch);
  watch.timer.expires_at(at);
  watch.timer.async_wait([this, &watch](boost::system::error_code error) {
    if (!error) ask(watch);
  });
}

// The list's query stands for the agent: without it the others need not ask.
void ConsulSource::note_fault(Watch& watch, ConsulFault fault, std::string trouble) {
  if (fault != ConsulFault::none) ++view_.failures;
  const bool changed = watch.fault != fault;
  watch.fault = fault;
  watch.trouble = std::move(trouble);
  if (&watch == list_.get()) {
    const bool away = fault == ConsulFault::unreachable || fault == ConsulFault::no_leader;
    if (std::exchange(away_, away) && !away) {
      canary_.look();
      let_all_ask();
    }
  }
  if (changed) tell(fault == ConsulFault::none ? "answers again" : "does not answer well");
}

void ConsulSource::let_all_ask() {
  const auto let = [this](Watch& watch) {
    if (!watch.asking)
      schedule(watch, Clock::now() + Millis(below(dice_, static_cast<std::uint64_t>(spread.count()))));
  };
  for (auto& [name, watch] : services_) let(*watch);
  for (auto& watch : kinds_) let(*watch);
}

void ConsulSource::watch_entries() {
  for (const std::string_view kind : {resolver_kind, splitter_kind, router_kind}) {
    kinds_.push_back(std::make_unique<Watch>(io_, "/v1/config/" + std::string(kind), "", std::string(kind)));
    ask(*kinds_.back());
  }
}

ConsulSource::Watch& ConsulSource::watch_of(const std::string& service) {
  auto& watch = services_[service];
  if (!watch) watch = std::make_unique<Watch>(io_, "/v1/health/service/" + percent_encoded(service), service);
  return *watch;
}

// Once the config entries have been asked for: without them a service would at first be served otherwise.
void ConsulSource::watch_services() {
  if (!std::all_of(kinds_.begin(), kinds_.end(), [](const auto& kind) { return kind->answered; })) return;
  due_ = wanted_;
  left_out_ = 0;
  PassedOver passed([](std::string_view) { return false; });
  for (const auto& [name, tags] : names_) {
    if (!std::any_of(tags.begin(), tags.end(), is_ours_)) {
      if (wanted_.contains(name)) continue;  // its instances tell
      passed.add_foreign(name, {place_.shown_as}, tags);
      passed.add_misspelt(name, {place_.shown_as}, tags);
      continue;
    }
    if (due_.size() < services_most)
      due_.insert(name);
    else
      left_out_ += !due_.contains(name);
  }
  passed_over_ = passed.findings();
  view_.services = names_.size();
  for (const std::string& name : due_) {
    const bool is_new = !services_.contains(name);
    Watch& watch = watch_of(name);
    if (is_new) ask(watch);
  }
  view_.watched = services_.size();
}

bool ConsulSource::is_heard() const { return heard_ || (away_ && list_->answered); }

bool ConsulSource::is_answered() const {
  if (!list_->answered) return false;
  const auto answered = [](const auto& watch) { return watch->answered; };
  return std::all_of(kinds_.begin(), kinds_.end(), answered) &&
         std::all_of(services_.begin(), services_.end(), [](const auto& each) { return each.second->answered; });
}

// What can't be had of a service keeps nobody from the others.
bool ConsulSource::is_read() const {
  return list_->known && std::ranges::all_of(services_, [](const auto& each) {
           return each.second->known || (each.second->answered && each.second->fault != ConsulFault::none);
         });
}

std::vector<conf::Instance> ConsulSource::instances() const {
  std::vector<conf::Instance> out;
  for (const auto& [name, watch] : services_) out.insert(out.end(), watch->instances.begin(), watch->instances.end());
  return out;
}

std::map<std::string, std::string> ConsulSource::entries() const {
  std::map<std::string, std::string> out;
  for (const auto& watch : kinds_)
    if (!watch->entries.text.empty()) out.emplace(watch->kind, watch->entries.text);
  return out;
}

const ConsulSource::Watch* ConsulSource::troubled() const {
  if (list_->fault != ConsulFault::none) return list_.get();
  for (const auto& [name, watch] : services_)
    if (watch->fault != ConsulFault::none) return watch.get();
  return nullptr;
}

conf::Findings ConsulSource::findings() const {
  conf::Findings out;
  for (const HoldDown::Held& each : hold_.held())
    out.push_back({{place_.shown_as + " " + each.node + "/" + each.id},
                   each.service,
                   "held: " + each.reason + "; it serves as long as our check of it passes",
                   conf::Severity::warning});
  for (const auto& kind : kinds_)
    if (kind->fault != ConsulFault::none && !away_)
      out.push_back({{view_.address},
                     "catalog.consul",
                     kind->path + ": " + kind->trouble + "; config entries are as they were",
                     conf::Severity::warning});
  conf::add_findings(out, canary_.findings(view_.address));
  if (left_out_ != 0)
    out.push_back({{view_.address},
                   "catalog.consul",
                   std::to_string(left_out_) + " services are not watched: " + std::to_string(services_most) +
                       " are at most, in the order of their names",
                   conf::Severity::warning});
  for (const auto& watch : kinds_)
    if (watch->fewer)
      out.push_back({{view_.address},
                     watch->kind,
                     "the catalog lost some of these config entries, and is not believed yet; they stay in force",
                     conf::Severity::warning});
  conf::add_findings(out, passed_over_);
  const Watch* watch = troubled();
  if (watch == nullptr) return out;
  std::string what = watch->trouble;
  if (!watch->name.empty()) what = watch->name + ": " + what;
  if (view_.good_at_ms != 0) what += "; the last good state stays in force";
  out.push_back({{view_.address}, "catalog.consul", what, conf::Severity::warning});
  return out;
}

ConsulSource::View ConsulSource::view() const {
  View out = view_;
  if (const Watch* watch = troubled()) out.fault = watch->fault, out.trouble = watch->trouble;
  out.connections = agent_.connections() + looks_.connections();
  out.trusted = trusted();
  out.known = known_;
  out.canary = canary_.view();
  out.held = hold_.held().size();
  return out;
}

// At once, also the second of two; in a flood all that came meanwhile together, so that what is made of it takes no
// more than about a tenth of a core.
void ConsulSource::tell(const std::string& cause) {
  causes_.push_back(cause);
  if (std::exchange(tells_, true)) return;
  tell_timer_.expires_at(std::max(Clock::now(), told_before_ + 2 * quiet_));
  tell_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    tells_ = false;
    told_before_ = std::exchange(told_at_, Clock::now());
    std::string text = place_.shown_as + ": " + causes_.front();
    if (causes_.size() > 1) text += " and " + std::to_string(causes_.size() - 1) + " more";
    causes_.clear();
    heard_ = heard_ || is_answered();
    on_change_(text);
    known_ = known_ || is_read();
    quiet_ = std::clamp(std::chrono::duration_cast<Millis>(10 * (Clock::now() - told_at_)), quiet_least, quiet_most);
  });
}

}  // namespace gatehouse::catalog
