#include "proxy/admission_guard.h"

#include "proxy/http/cookie.h"

namespace gatehouse::proxy {
namespace {

class HeadFields final : public ratelimit::RequestFields {
 public:
  explicit HeadFields(const http::RequestHead& head) : head_(head) {}

  std::string_view header(std::string_view name) const override {
    const http::Field* field = head_.find(name);
    return field != nullptr ? head_.value(*field) : std::string_view();
  }
  std::string_view cookie(std::string_view name) const override { return http::cookie_value(head_, name); }

 private:
  const http::RequestHead& head_;
};

// A trusted proxy that names nobody speaks for many: it is nobody's own address.
ratelimit::RequestFacts facts_of(const World& world, const Admission& admission, const HeadFields& fields) {
  ratelimit::RequestFacts facts;
  facts.client = admission.client.address();
  facts.client_known = !admission.client.peer_trusted || !is_in(world.settings().trusted_proxies, facts.client);
  facts.path = admission.path;
  if (admission.pool != nullptr) facts.service = admission.pool->service->name;
  facts.fields = &fields;
  return facts;
}

bool apply(const ratelimit::LimitVerdict& verdict, Admission& admission) {
  using ratelimit::LimitAnswer;
  if (verdict.answer == LimitAnswer::admitted) return false;
  if (admission.limit.answer == LimitAnswer::delayed && verdict.answer == LimitAnswer::delayed &&
      admission.limit.wait_us > verdict.wait_us)
    return false;
  admission.limit = verdict;
  if (verdict.answer == LimitAnswer::delayed) return false;
  admission.refusal.status = 429;
  admission.refusal.why = http::Termination::rate_limited;
  admission.refusal.reason = "too many requests; come back later";
  return true;
}

}  // namespace

bool stop_at_gate(const Arrival& arrival, const World& world, Admission& admission) {
  if (arrival.gate == nullptr) return false;
  admission.ban = arrival.gate->banned(admission.client.address());
  if (admission.ban) {
    admission.refusal.status = admission.ban->action == conf::BanAction::too_many ? 429 : 403;
    admission.refusal.why = http::Termination::banned;
    admission.refusal.reason = "this address is banned";
    return true;
  }
  if (arrival.gate->rules.limits.everywhere().empty()) return false;
  const HeadFields fields(arrival.head);
  return apply(arrival.gate->limit_everywhere(facts_of(world, admission, fields)), admission);
}

bool stop_at_route(const Arrival& arrival, const World& world, Admission& admission) {
  const std::vector<std::string>& names = admission.policy->rate_limits;
  if (arrival.gate == nullptr || names.empty()) return false;
  const HeadFields fields(arrival.head);
  return apply(arrival.gate->limit(names, facts_of(world, admission, fields)), admission);
}

}  // namespace gatehouse::proxy
