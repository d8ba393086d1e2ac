#include "conf/catalog/consul_source_io.h"

#include <algorithm>
#include <charconv>

#include "net/encoding.h"

namespace gatehouse::catalog {
namespace {

constexpr Millis spread = 200ms;          // over which watches come back together
constexpr Millis quiet_least = 250ms;     // between two tellings
constexpr Millis regression_lasts = 60s;  // agents register anew what a wiped server lost
constexpr Millis held_look = 10s;

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ConsulReply reply_of(const HttpClientReply& got) {
  ConsulReply reply;
  reply.status = got.status;
  reply.index = number_of(got.field("X-Consul-Index"));
  reply.known_leader = got.field("X-Consul-KnownLeader") != "false";
  reply.last_contact = Millis(number_of(got.field("X-Consul-LastContact")));
  reply.filtered_by_acls = got.field("X-Consul-Results-Filtered-By-ACLs") == "true";
  reply.body = got.body;
  return reply;
}

// The first line of what Consul said, for people.
std::string trouble_of(const ConsulReply& reply) {
  constexpr std::size_t most = 200;
  std::string text = reply.body.substr(0, std::min(reply.body.find('\n'), most));
  if (reply.filtered_by_acls) text = "the token may not read all services: what it hides would look deregistered";
  return std::to_string(reply.status) + (text.empty() ? "" : ": " + text);
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

// One blocking query; without a service it is that of all names.
class ConsulSource::Watch {
 public:
  Watch(asio::io_context& io, std::string service) : name(std::move(service)), timer(io) {}

  const std::string name;
  BlockingQuery query;
  asio::steady_timer timer;
  bool asking = false;                    // an answer is awaited
  bool known = false;                     // there was a good one
  ConsulFault fault = ConsulFault::none;  // of the last answer
  std::string trouble;                    // the same for people
  std::vector<conf::Instance> instances;
};

ConsulSource::ConsulSource(asio::io_context& io, const conf::ConsulServer& server, std::set<std::string> wanted,
                           std::vector<std::string> prefixes, std::uint64_t seed, OnChange on_change)
    : io_(io),
      server_(server),
      place_{server.datacenter, server.datacenter.empty() ? "consul" : "consul " + server.datacenter,
             server.tagged_address},
      wanted_(std::move(wanted)),
      prefixes_(std::move(prefixes)),
      dice_(seed),
      on_change_(std::move(on_change)),
      expire_timer_(io),
      list_(std::make_unique<Watch>(io, "")),
      tell_timer_(io),
      client_(io, {.place = server.address}) {
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
  const BlockingQuery::Ask ask = watch.query.ask();
  HttpClientRequest request;
  request.target = watch.name.empty() ? "/v1/catalog/services" : "/v1/health/service/" + percent_encoded(watch.name);
  request.target += "?stale";
  if (!server_.datacenter.empty()) request.target += "&dc=" + percent_encoded(server_.datacenter);
  if (ask.index != 0)
    request.target += "&index=" + std::to_string(ask.index) + "&wait=" + std::to_string(ask.wait.count()) + "ms";
  if (const Result<std::string> token = read_secret(server_.token); token && !token->empty())
    request.fields.emplace_back("X-Consul-Token", *token);
  client_.send(std::move(request), ask.deadline, [this, &watch](const Result<HttpClientReply>& got) {
    watch.asking = false;
    take(watch, got);
  });
}

void ConsulSource::take(Watch& watch, const Result<HttpClientReply>& got) {
  const TimePoint now = Clock::now();
  if (!got) {
    const BlockingQuery::Step step = watch.query.on_silence(now, dice_.roll());
    note_fault(watch, step.fault, got.error().what);
    return schedule(watch, step.next);
  }
  const ConsulReply reply = reply_of(*got);
  BlockingQuery::Step step = watch.query.on_reply(reply, now, dice_.roll());
  if (step.fault != ConsulFault::none) {
    note_fault(watch, step.fault, trouble_of(reply));
    return schedule(watch, step.next);
  }
  std::string wrong;
  if (watch.name.empty()) {
    Result<ServiceTags> names = parse_services(reply.body);
    if (names) names_ = std::move(*names);
    if (!names) wrong = names.error().what;
  } else {
    Result<std::vector<conf::Instance>> found = parse_health(reply.body, place_);
    if (step.regressed) regressed_at_ = now;
    const bool trusted = !step.unmoved && (regressed_at_ == TimePoint{} || now - regressed_at_ > regression_lasts);
    if (found) take_health(watch, *found, trusted);
    if (!found) wrong = found.error().what;
  }
  if (!wrong.empty()) {
    step = watch.query.on_garbage(now, dice_.roll());
    note_fault(watch, step.fault, wrong);
    return schedule(watch, step.next);
  }
  view_.good_at_ms = wall_ms();
  view_.index = std::max(view_.index, reply.index);
  if (step.regressed) view_.index = reply.index;
  note_fault(watch, ConsulFault::none, "");
  schedule(watch, step.next);
  if (watch.name.empty()) watch_services();
}

void ConsulSource::take_health(Watch& watch, const std::vector<conf::Instance>& found, bool trusted) {
  std::vector<conf::Instance> now = hold_.update(watch.name, found, trusted, false, Clock::now());
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

std::size_t ConsulSource::approve(const std::string& service, const std::string& id) {
  const std::size_t gone = hold_.approve(service, id);
  if (gone == 0) return 0;
  services_.at(service)->instances = hold_.instances(service);
  tell(service);
  return gone;
}

void ConsulSource::look_at_held() {
  const TimePoint now = Clock::now();
  const bool trusted = !away_ && (regressed_at_ == TimePoint{} || now - regressed_at_ > regression_lasts);
  if (hold_.expire(trusted, now)) {
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
    if (std::exchange(away_, away) && !away) let_all_ask();
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
    const bool ours = std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
      return std::any_of(prefixes_.begin(), prefixes_.end(),
                         [&](const auto& prefix) { return tag.starts_with(prefix); });
    });
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
  out.connections = client_.connections();
  return out;
}

// At once after a quiet time; in a flood all that came meanwhile together.
void ConsulSource::tell(const std::string& cause) {
  causes_.push_back(cause);
  if (std::exchange(tells_, true)) return;
  tell_timer_.expires_at(std::max(Clock::now(), told_at_ + quiet_least));
  tell_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    tells_ = false;
    told_at_ = Clock::now();
    std::string text = place_.shown_as + ": " + causes_.front();
    if (causes_.size() > 1) text += " and " + std::to_string(causes_.size() - 1) + " more";
    causes_.clear();
    on_change_(text);
  });
}

}  // namespace gatehouse::catalog
