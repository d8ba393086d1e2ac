#include "conf/catalog/consul_source_io.h"

#include <algorithm>

#include "net/encoding.h"

namespace gatehouse::catalog {
namespace {

constexpr Millis spread = 200ms;          // over which watches come back together
constexpr Millis quiet_least = 250ms;     // between two tellings
constexpr Millis regression_lasts = 60s;  // agents register anew what a wiped server lost
constexpr Millis held_look = 10s;
constexpr Millis settle = 250ms;           // in which a node that goes takes all its services with it
constexpr std::size_t waiting_most = 120;  // queries at once; HttpClient opens some more

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

// One blocking query; without a service it is that of all names.
class ConsulSource::Watch {
 public:
  Watch(asio::io_context& io, std::string service) : name(std::move(service)), timer(io) {}

  void begin_anew() {
    query = {};
    asking = false;
    timer.cancel();
  }

  const std::string name;
  BlockingQuery query;
  asio::steady_timer timer;
  bool asking = false;                    // an answer is awaited
  bool known = false;                     // there was a good one
  ConsulFault fault = ConsulFault::none;  // of the last answer
  std::string trouble;                    // the same for people
  std::vector<conf::Instance> instances;
  std::optional<std::vector<conf::Instance>> doubted;  // an answer that lacks some: it waits for a look
  TimePoint doubted_at{};
};

ConsulSource::ConsulSource(asio::io_context& io, const conf::ConsulServer& server, std::set<std::string> wanted,
                           IsOurs is_ours, OwnService own, std::uint64_t seed, OnChange on_change)
    : io_(io),
      server_(server),
      place_{server.datacenter, server.datacenter.empty() ? "consul" : "consul " + server.datacenter,
             server.tagged_address},
      wanted_(std::move(wanted)),
      is_ours_(std::move(is_ours)),
      dice_(seed),
      on_change_(std::move(on_change)),
      expire_timer_(io),
      doubt_timer_(io),
      list_(std::make_unique<Watch>(io, "")),
      tell_timer_(io),
      agent_(io, server),
      looks_(io, server),
      canary_(io, looks_, std::move(own),
              {.on_change = [this] { tell(canary_.view().seen ? "is trusted" : "is not trusted"); },
               .on_setback = [this] { begin_anew(); }}) {
  view_.datacenter = server.datacenter;
  view_.address = server.address.text();
  watch_services();
  ask(*list_);
  look_at_held();
}

ConsulSource::~ConsulSource() = default;

void ConsulSource::want(std::set<std::string> services) {
  wanted_ = std::move(services);
  watch_services();
}

// The list's query comes first: the services follow its first answer.
void ConsulSource::remember(const std::vector<conf::Instance>& known) {
  away_ = away_ || !known.empty();
  for (const conf::Instance& instance : known) {
    hold_.remember(instance, Clock::now());
    auto& watch = services_[instance.service];
    if (!watch) watch = std::make_unique<Watch>(io_, instance.service);
  }
  for (const auto& [name, watch] : services_) watch->instances = hold_.instances(name);
  view_.watched = services_.size();
}

void ConsulSource::ask(Watch& watch) {
  if (watch.asking || (away_ && &watch != list_.get())) return;
  watch.asking = true;
  ++view_.queries;
  // Without HTTP/2 each query that waits holds a connection: more than there are take turns.
  const bool crowded = !server_.address.tls && services_.size() > waiting_most;
  const BlockingQuery::Ask ask = watch.query.ask(crowded && &watch != list_.get());
  std::string path =
      watch.name.empty() ? "/v1/catalog/services" : "/v1/health/service/" + percent_encoded(watch.name);
  path += "?stale";
  if (ask.index != 0)
    path += "&index=" + std::to_string(ask.index) + "&wait=" + std::to_string(ask.wait.count()) + "ms";
  agent_.get(std::move(path), ask.deadline, [this, &watch](const Result<ConsulReply>& got) {
    watch.asking = false;
    take(watch, got);
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
  const std::string wrong = watch.name.empty() ? take_names(reply.body) : take_health(watch, reply, step);
  if (!wrong.empty()) {
    step = watch.query.on_garbage(now, dice_.roll());
    note_fault(watch, step.fault, wrong);
    return schedule(watch, step.next);
  }
  view_.good_at_ms = wall_ms();
  view_.index = step.regressed ? reply.index : std::max(view_.index, reply.index);
  note_fault(watch, ConsulFault::none, "");
  schedule(watch, step.next);
  if (watch.name.empty()) watch_services();
}

// Queries that wait for an index that wiped servers may not reach for days.
void ConsulSource::begin_anew() {
  regressed_at_ = Clock::now();
  agent_.drop_all();
  list_->begin_anew();
  ask(*list_);
  for (auto& [name, watch] : services_) watch->begin_anew();
  let_all_ask();
}

// What is wrong with the answer; empty: it was taken.
std::string ConsulSource::take_names(const std::string& body) {
  Result<ServiceTags> names = parse_services(body);
  if (!names) return names.error().what;
  names_ = std::move(*names);
  return {};
}

std::string ConsulSource::take_health(Watch& watch, const ConsulReply& reply, const BlockingQuery::Step& step) {
  std::set<InstanceKey> unproven;
  Result<std::vector<conf::Instance>> found = parse_health(reply.body, place_, &unproven);
  if (!found) return found.error().what;
  hold_.recall(watch.name, *found, unproven);
  if (step.regressed) {
    regressed_at_ = Clock::now();
    canary_.look();
  }
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

void ConsulSource::check_failed(const std::string& service, const std::string& endpoint) {
  const std::size_t slash = endpoint.find('/');
  if (slash == endpoint.npos || !hold_.drop(service, endpoint.substr(0, slash), endpoint.substr(slash + 1))) return;
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
  if (hold_.expire(trusted(), now)) {
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
  for (auto& [name, watch] : services_)
    if (!watch->asking)
      schedule(*watch, Clock::now() + Millis(below(dice_, static_cast<std::uint64_t>(spread.count()))));
}

void ConsulSource::watch_services() {
  std::set<std::string> due = wanted_;
  for (const auto& [name, tags] : names_) {
    const bool ours = std::any_of(tags.begin(), tags.end(), is_ours_);
    if (ours && due.size() < services_most) due.insert(name);
  }
  view_.services = names_.size();
  for (const std::string& name : due) {
    auto& watch = services_[name];
    if (watch) continue;
    watch = std::make_unique<Watch>(io_, name);
    ask(*watch);
  }
  view_.watched = services_.size();
}

std::vector<conf::Instance> ConsulSource::instances() const {
  std::vector<conf::Instance> out;
  for (const auto& [name, watch] : services_) out.insert(out.end(), watch->instances.begin(), watch->instances.end());
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
  conf::add_findings(out, canary_.findings(view_.address));
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
  out.canary = canary_.view();
  out.held = hold_.held().size();
  return out;
}

// At once, also the second of two; in a flood all that came meanwhile together.
void ConsulSource::tell(const std::string& cause) {
  causes_.push_back(cause);
  if (std::exchange(tells_, true)) return;
  tell_timer_.expires_at(std::max(Clock::now(), told_before_ + 2 * quiet_least));
  tell_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    tells_ = false;
    told_before_ = std::exchange(told_at_, Clock::now());
    std::string text = place_.shown_as + ": " + causes_.front();
    if (causes_.size() > 1) text += " and " + std::to_string(causes_.size() - 1) + " more";
    causes_.clear();
    on_change_(text);
  });
}

}  // namespace gatehouse::catalog
