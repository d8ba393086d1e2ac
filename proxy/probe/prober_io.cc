#include "proxy/probe/prober_io.h"

#include <algorithm>

#include <pthread.h>

#include "proxy/http/authority.h"

namespace gatehouse::pool {
namespace {

constexpr LoopTime glance_ms = 250;  // how soon a failure on the data path is noticed

bool equal_checks(const Probed& a, const Probed& b) {
  return a.checks == b.checks && a.addresses == b.addresses && a.endpoint.address == b.endpoint.address &&
         a.endpoint.through == b.endpoint.through && a.service->host == b.service->host && a.tls == b.tls &&
         a.endpoint.instance->address == b.endpoint.instance->address;
}

// What the certificate must name: there is no client whose Host could say it.
std::string tls_name_of(const Probed& probed, const conf::HealthCheck& check) {
  if (!check.tls_server_name.empty()) return check.tls_server_name;
  if (!check.host.empty()) return check.host;
  if (!probed.service->host.empty()) return std::string(http::certified_name(probed.service->host));
  return probed.endpoint.instance->address;
}

// For the Host field.
std::string host_of(const conf::HealthCheck& check, const SocketAddress& address) {
  if (check.host.empty() || IpAddress::parse(check.host)) return address.text();
  return check.host + ":" + std::to_string(address.port);
}

}  // namespace

struct Prober::Subject {
  struct Check {
    explicit Check(Loop& loop) : waker(loop) {}
    Waker waker;
    std::unique_ptr<Task<>> story;
    bool hurry = false;  // a look is wanted now
  };
  Subject(Probed what, Loop& loop)
      : probed(std::move(what)), health(pointers(probed.checks), probed.endpoint.live->health.load()) {
    for (std::size_t i = 0; i < probed.checks.size(); ++i) checks.push_back(std::make_unique<Check>(loop));
  }
  static std::vector<const conf::HealthCheck*> pointers(const std::vector<conf::HealthCheck>& checks) {
    std::vector<const conf::HealthCheck*> out;
    for (const conf::HealthCheck& check : checks) out.push_back(&check);
    return out;
  }
  bool over() const {
    return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check->story->done(); });
  }

  Probed probed;
  EndpointHealth health;
  std::vector<std::unique_ptr<Check>> checks;
  std::uint64_t failures_seen = 0, requests_seen = 0;
  LoopTime used_at = 0;  // when a request was last seen to have gone there
  bool resting = false;  // asked seldom, since nobody uses it
  bool stopping = false;
};

Prober::Prober(OnChange on_change, std::uint64_t seed) : on_change_(std::move(on_change)), dice_(seed) {
  loop_.set_turn_end([this] { std::erase_if(ending_, [](const auto& subject) { return subject->over(); }); });
  glance_.prober = this;
  glance_.fire = [](Timer& timer) { static_cast<Glance&>(timer).prober->look_for_failures(); };
  thread_ = std::thread([this] {
    loop_.timers().set(glance_, loop_.now() + glance_ms);
    loop_.run();
  });
  pthread_setname_np(thread_.native_handle(), "probes");
}

Prober::~Prober() {
  loop_.stop();
  thread_.join();
}

void Prober::watch(std::vector<Probed> probed) {
  {
    std::lock_guard lock(views_mutex_);
    ++unheeded_;
  }
  loop_.post([this, probed = std::move(probed)]() mutable { keep(std::move(probed)); });
}

void Prober::keep(std::vector<Probed> probed) {
  std::map<const EndpointState*, std::unique_ptr<Subject>> next;
  std::vector<Subject*> fresh;
  for (Probed& each : probed) {
    const EndpointState* state = each.endpoint.live;
    const auto known = subjects_.find(state);
    if (known != subjects_.end() && equal_checks(known->second->probed, each)) {
      known->second->probed.dialer = std::move(each.dialer);  // by other keys, or to others: the same service
      next[state] = std::move(known->second);
      continue;
    }
    auto subject = std::make_unique<Subject>(std::move(each), loop_);
    fresh.push_back(subject.get());
    next[state] = std::move(subject);
  }
  for (auto& [state, subject] : subjects_) {
    if (!subject) continue;
    subject->stopping = true;
    for (auto& check : subject->checks) check->waker.signal();
    ending_.push_back(std::move(subject));
  }
  subjects_ = std::move(next);
  // Policies that no service has any more; and those of checks that say it all, whose authorities are looked at anew.
  std::erase_if(contexts_, [this](const auto& context) {
    const auto& policy = std::get<0>(context.first);
    return !policy || std::none_of(subjects_.begin(), subjects_.end(),
                                   [&](const auto& subject) { return subject.second->probed.tls == policy; });
  });
  {
    std::lock_guard lock(views_mutex_);
    --unheeded_;
    std::erase_if(views_, [this](const auto& view) {
      return std::none_of(subjects_.begin(), subjects_.end(),
                          [&](const auto& s) { return s.first->id == view.first; });
    });
    for (const Subject* subject : fresh) {
      auto& views = views_[subject->probed.endpoint.live->id];
      views.clear();
      for (const conf::HealthCheck& check : subject->probed.checks)
        views.push_back({check.name.empty() ? check.id : check.name, "not run yet", CheckResult::critical, 0});
    }
  }
  for (Subject* subject : fresh)
    for (std::size_t i = 0; i < subject->checks.size(); ++i) {
      subject->checks[i]->story = std::make_unique<Task<>>(story(*subject, i));
      subject->checks[i]->story->start();
    }
}

// Connections that failed on the data path, and requests to endpoints that rested: they are looked at now.
void Prober::look_for_failures() {
  loop_.timers().set(glance_, loop_.now() + glance_ms);
  for (auto& [state, subject] : subjects_) {
    const std::uint64_t failures = state->connect_failures_total.load(std::memory_order_relaxed);
    const bool woken =
        subject->resting && state->requests_total.load(std::memory_order_relaxed) != subject->requests_seen;
    if (failures == subject->failures_seen && !woken) continue;
    subject->failures_seen = failures;
    subject->resting = false;
    for (auto& check : subject->checks) {
      check->hurry = true;
      check->waker.signal();
    }
  }
}

// How a check speaks TLS; null when it doesn't.
Result<Prober::ContextPtr> Prober::context_for(const Probed& probed, const conf::HealthCheck& check) {
  if (!check.tls) return ContextPtr();
  if (check.tls_of_service && !probed.tls) return invalid("the service's TLS is not usable: see its finding");
  const bool h2 =
      check.http2 || check.kind == conf::HealthCheck::Kind::grpc || check.kind == conf::HealthCheck::Kind::h2ping;
  const auto shared = check.tls_of_service ? probed.tls : nullptr;
  const auto key = std::make_tuple(shared, check.tls_verify, h2);
  if (const auto known = contexts_.find(key); known != contexts_.end()) return known->second;
  TlsClientPolicy policy = shared ? *shared : TlsClientPolicy();
  policy.alpn = {h2 ? "h2" : "http/1.1"};
  if (!shared) policy.verify = check.tls_verify;
  if (!shared && policy.verify) {
    const Result<TrustStorePtr> now = system_.look();
    policy.authorities = system_.last();
    if (!policy.authorities) return now.error();
  }
  Result<TlsClientContext> made = TlsClientContext::make(policy);
  if (!made) return made.error();
  return contexts_[key] = std::make_shared<const TlsClientContext>(std::move(*made));
}

Task<> Prober::story(Subject& subject, std::size_t index) {
  const conf::HealthCheck& check = subject.probed.checks[index];
  Subject::Check& own = *subject.checks[index];
  Waker& waker = own.waker;
  if (check.kind == conf::HealthCheck::Kind::ttl) co_return;
  const std::optional<IpAddress>& known = subject.probed.addresses[index];
  const SocketAddress address{known.value_or(IpAddress()),
                              check.port != 0 ? check.port : subject.probed.endpoint.address.port};
  const std::string host = host_of(check, address), tls_name = tls_name_of(subject.probed, check);
  // At another address or port listens something else, of which nobody said that it takes the header (as HAProxy).
  const bool same_place = subject.probed.dialer || address == subject.probed.endpoint.address;
  const conf::SendProxy send_proxy = same_place ? subject.probed.service->send_proxy : conf::SendProxy::none;
  const std::string node = subject.probed.endpoint.instance->node;
  LoopTime next = loop_.now() + first_probe_delay(check, dice_.roll()).count();
  for (;;) {
    while (loop_.now() < next && !subject.stopping && !own.hurry) co_await waker.sleep(next);
    own.hurry = false;
    if (subject.stopping) co_return;
    ProbeReport report;
    const DialerPtr dialer = subject.probed.dialer;
    const Result<ContextPtr> context = context_for(subject.probed, check);
    if (!context) {
      report.output = context.error().what;
    } else if (subject.probed.endpoint.through && !dialer) {
      report.output = "there is no tunnel that leads to it";
    } else if (!known && !dialer) {
      report.output = "no address is known of " + check.host;
    } else if (dialer && address.port != subject.probed.endpoint.address.port) {
      report.output = "the tunnel leads to the service alone, not to port " + std::to_string(address.port);
    } else {
      const ProbeTarget target{check, address, host, tls_name, context->get(), send_proxy, dialer.get(), node};
      report = co_await probe(waker, target);
    }
    if (subject.stopping) co_return;
    take(subject, index, report);
    const std::uint64_t requests = subject.probed.endpoint.live->requests_total.load(std::memory_order_relaxed);
    if (requests != subject.requests_seen || subject.used_at == 0) subject.used_at = loop_.now();
    subject.requests_seen = requests;
    const bool used = in_use(*subject.probed.service, subject.probed.endpoint, Millis(loop_.now() - subject.used_at));
    subject.resting = !used;
    next = loop_.now() + probe_delay(check, subject.health.pace(index, used), dice_.roll()).count();
  }
}

void Prober::take(Subject& subject, std::size_t index, const ProbeReport& report) {
  EndpointState& state = *subject.probed.endpoint.live;
  const Health before = state.health.load(std::memory_order_relaxed);
  subject.health.on_result(index, report.result, Millis(loop_.lag_ms()));
  {
    std::lock_guard lock(views_mutex_);
    CheckView& view = views_[state.id][index];
    view.output = report.output;
    view.result = report.result;
    view.at_ms = loop_.wall_us() / 1000;
  }
  const Health after = subject.health.health();
  if (publish(after, state, static_cast<std::int64_t>(loop_.now())))
    on_change_({subject.probed.service->name, subject.probed.endpoint.name, report.output,
                subject.probed.endpoint.instance->service, subject.probed.endpoint.instance->datacenter,
                subject.probed.endpoint.live->id, before, after});
}

bool Prober::has_looked() const {
  std::lock_guard lock(views_mutex_);
  return unheeded_ == 0 && std::all_of(views_.begin(), views_.end(), [](const auto& endpoint) {
           return std::all_of(endpoint.second.begin(), endpoint.second.end(),
                              [](const CheckView& check) { return check.at_ms != 0; });
         });
}

std::vector<CheckView> Prober::views(std::uint32_t endpoint_id) const {
  std::lock_guard lock(views_mutex_);
  const auto found = views_.find(endpoint_id);
  return found == views_.end() ? std::vector<CheckView>() : found->second;
}

}  // namespace gatehouse::pool
