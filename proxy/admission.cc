#include "proxy/admission.h"

#include <algorithm>

#include "proxy/admission_guard.h"
#include "proxy/http/answer_fields.h"
#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"
#include "proxy/http/cookie.h"
#include "proxy/http/target.h"
#include "proxy/pool/hash.h"
#include "proxy/pool/panic.h"
#include "proxy/route/redirect_url.h"
#include "proxy/route/rewrite_path.h"

namespace gatehouse::proxy {

bool has_field(const http::RequestHead& head, const conf::HeaderMatch& asked) {
  bool there = false;
  for (const http::Field& field : head.fields()) {
    if (!http::equal_caseless(head.name(field), asked.name)) continue;
    there = true;
    if (asked.accepts(head.value(field))) return !asked.inverted;
  }
  return asked.inverted && there != asked.asks_presence();
}

namespace {

void refuse(Admission& admission, int status, http::Termination why, std::string_view reason) {
  admission.refusal.status = status;
  admission.refusal.why = why;
  admission.refusal.reason = reason;
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

route::Match find_route(const Arrival& arrival, const World& world, const Admission& admission,
                        std::string_view path) {
  const auto field_test = [&](const conf::HeaderMatch& asked) { return has_field(arrival.head, asked); };
  route::RouteRequest request;
  request.host = admission.host;
  request.port = arrival.listener.port();
  request.path = path;
  request.query = admission.query;
  request.method = arrival.head.method();
  request.has_field = field_test;
  return world.matcher().match(request);
}

// Whether a backend that reads the path otherwise than we do would find itself behind another route: what that one
// restricts must not be passed by. A route that names such a path itself means it as it stands.
bool leads_elsewhere(const Arrival& arrival, const World& world, const Admission& admission, std::span<char> buffer) {
  const std::string_view other = http::other_reading(admission.path, buffer);
  const route::RouteTarget* const found = admission.match.target;
  if (other == admission.path || find_route(arrival, world, admission, other).target == found) return false;
  return found == nullptr || http::other_reading(found->route->match.path, buffer) == found->route->match.path;
}

void redirect(Admission& admission, int status, std::string_view reason, std::string location) {
  if (location.size() > location_bytes_max)
    return refuse(admission, 414, http::Termination::client_too_large, "the redirect's address would be too long");
  refuse(admission, status, http::Termination::redirect, reason);
  admission.refusal.location = std::move(location);
}

// http://… where the route wants TLS. True: answered.
bool judge_scheme(const Arrival& arrival, const World& world, Admission& admission) {
  if (admission.secure) return false;
  const std::uint16_t port = world.settings().https_port;
  conf::HttpMode mode = admission.match.http();
  if (mode == conf::HttpMode::automatic) {
    // A placeholder's name would only greet the visitor with a warning.
    const ServedCertificates* served = world.certificates().find(admission.host);
    mode =
        port != 0 && served != nullptr && !served->placeholder() ? conf::HttpMode::redirect : conf::HttpMode::serve;
  }
  if (mode == conf::HttpMode::serve) return false;
  if (mode == conf::HttpMode::refuse || port == 0) {
    refuse(admission, 403, http::Termination::denied, "this host is served over https only");
    return true;
  }
  const bool safe = arrival.head.method_id == http::Method::get || arrival.head.method_id == http::Method::head;
  redirect(admission, safe ? 301 : 308, "over https",
           "https://" + std::string(admission.host) + (port == 443 ? "" : ":" + std::to_string(port)) +
               std::string(admission.forward));
  return true;
}

bool judge_redirect(const Arrival& arrival, Admission& admission, const http::Target& target) {
  const std::optional<conf::Redirect>& wanted = admission.match.target->route->policy.redirect;
  if (!wanted) return false;
  route::RedirectRequest request;
  request.scheme = admission.secure ? "https" : "http";
  request.host = arrival.head.host();
  request.path = target.path;
  request.query = admission.query;
  Result<std::string> url = route::expand_redirect(wanted->url, request);
  if (!url) {
    refuse(admission, 400, http::Termination::client_malformed,
           "the redirect's address can't be built from this request");
    return true;
  }
  redirect(admission, wanted->code, "redirect", std::move(*url));
  return true;
}

// True: answered.
bool judge_maintenance(const Arrival& arrival, Admission& admission, const conf::RoutePolicy& policy) {
  const std::int64_t until = admission.pool->stats->maintenance_until_ms.load(std::memory_order_relaxed);
  const bool commanded = until > arrival.wall_ms;
  if (!policy.maintenance.on && !commanded) return false;
  const auto is_client = [&](const IpPrefix& network) { return network.contains(admission.client.address()); };
  if (std::ranges::any_of(policy.maintenance.allow, is_client)) return false;
  refuse(admission, 503, http::Termination::maintenance, "this is under maintenance, and will be back");
  admission.refusal.retry_after = policy.maintenance.retry_after;
  const Millis left(until - arrival.wall_ms);
  if (commanded && left < 24h && admission.refusal.retry_after.count() == 0) admission.refusal.retry_after = left;
  return true;
}

// A share of the requests goes to another service's endpoints, while it has one that is healthy.
void choose_canary(const Arrival& arrival, const World& world, Admission& admission) {
  const conf::Share& share = admission.pool->service->canary;
  const auto& bytes = admission.client.address().bytes;
  const std::uint64_t place =
      share.sticky ? pool::hash_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) : arrival.dice;
  if (place % 10'000 >= share.per_myriad) return;
  const ServicePool* canary = world.find(share.service);
  if (canary == nullptr || canary->endpoints.empty() || pool::in_panic(canary->endpoints)) return;
  admission.pool = canary;
  admission.canary = true;
}

// Whose pages may read the answer, whatever it will be.
void note_fields(const Arrival& arrival, Admission& admission, const conf::RoutePolicy& policy) {
  if (!policy.headers.answer.empty()) admission.fields.rules = &policy.headers.answer;
  if (!policy.cors) return;
  admission.fields.cors = &*policy.cors;
  const std::string_view origin = arrival.head.value_of(http::FieldId::origin);
  if (policy.cors->admits(origin)) admission.fields.origin = origin;
}

// Browsers send it without what it asks for: no cookie, no password. True: answered.
bool judge_preflight(const Arrival& arrival, Admission& admission) {
  if (admission.fields.cors == nullptr || !http::is_preflight(arrival.head)) return false;
  const bool admitted = !admission.fields.origin.empty();
  admission.preflight = admitted;
  refuse(admission, admitted ? 204 : 403, http::Termination::preflight,
         admitted ? "a preflight" : "pages of this origin may not use this");
  return true;
}

bool judge_method(const Arrival& arrival, Admission& admission, const conf::RoutePolicy& policy) {
  if (policy.methods.names.empty() || contains(policy.methods.names, arrival.head.method())) return false;
  if (admission.fields.cors != nullptr && http::is_preflight(arrival.head)) return false;  // it asks what may be done
  refuse(admission, 405, http::Termination::method_not_allowed, "this is not one of the route's methods");
  admission.refusal.allow = policy.methods.text;
  return true;
}

// True: answered. Else `target` is what the backend is to get.
bool judge_rewrite(Admission& admission, const conf::RoutePolicy& policy, http::Target& target,
                   AdmissionScratch& scratch) {
  using Outcome = route::Rewritten::Outcome;
  if (policy.rewrites.empty()) return false;
  route::Rewritten done = route::rewrite_path(policy.rewrites, target, scratch.rewritten, scratch.rewritten_path);
  switch (done.outcome) {
    case Outcome::untouched: return false;
    case Outcome::rewritten: target = done.target; return false;
    case Outcome::redirected: redirect(admission, done.code, "rewrite", std::move(done.location)); return true;
    case Outcome::refused:
      refuse(admission, 400, http::Termination::client_malformed, "what the path is rewritten to is no path");
      return true;
    case Outcome::too_long:
      refuse(admission, 414, http::Termination::client_too_large, "what the path is rewritten to is too long");
      return true;
  }
  return true;
}

std::uint64_t hash_of(const Arrival& arrival, const Admission& admission, const conf::HashOn& on) {
  switch (on.kind) {
    case conf::HashOn::Kind::header:
      if (const http::Field* field = arrival.head.find(on.name)) return pool::hash_bytes(arrival.head.value(*field));
      break;
    case conf::HashOn::Kind::cookie:
      if (const auto value = http::cookie_value(arrival.head, on.name); !value.empty())
        return pool::hash_bytes(value);
      break;
    case conf::HashOn::Kind::path: return pool::hash_bytes(admission.path);
    case conf::HashOn::Kind::client: break;
  }
  const auto& bytes = admission.client.address().bytes;
  return pool::hash_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// What the chosen route says, in the order of the header's comment.
void judge_route(const Arrival& arrival, const World& world, Admission& admission, http::Target target,
                 AdmissionScratch& scratch) {
  const conf::Route& route = *admission.match.target->route;
  admission.hsts = admission.match.hsts();
  admission.pool = &world.pool(*admission.match.target);
  const conf::RoutePolicy& policy = admission.pool->service->routes[admission.match.target->index].policy;
  admission.policy = &policy;
  note_fields(arrival, admission, policy);
  if (!route.refused.empty()) return refuse(admission, 503, http::Termination::route_refused, route.refused);
  if (judge_scheme(arrival, world, admission)) return;
  if (!admission.match.permits(admission.client.address()))
    return refuse(admission, 403, http::Termination::denied, "this address is not allowed");
  if (stop_at_route(arrival, world, admission)) return;
  if (judge_maintenance(arrival, admission, policy)) return;
  if (judge_method(arrival, admission, policy) || judge_preflight(arrival, admission)) return;
  if (judge_redirect(arrival, admission, target) || judge_rewrite(admission, policy, target, scratch)) return;
  const http::RequestHead& head = arrival.head;
  if (policy.max_body && head.body == http::Framing::length && head.content_length > *policy.max_body)
    return refuse(admission, 413, http::Termination::client_too_large, "the body is larger than this route takes");
  const auto rewritten = http::rewrite_target(target, policy.strip, policy.prepend, scratch.target);
  if (!rewritten) return refuse(admission, 414, http::Termination::client_too_large, "the target is too long");
  admission.forward = *rewritten;
  admission.upgrade = head.is_upgrade && head.websocket && policy.websocket;
  if (!policy.auth.said.empty() && !policy.auth.policy)
    return refuse(admission, 503, http::Termination::auth_failed, "its auth is not known");
  if (!policy.files && !admission.pool->service->canary.service.empty()) choose_canary(arrival, world, admission);
  const conf::Service& service = *admission.pool->service;
  if (service.balance == conf::Balance::maglev) admission.hash = hash_of(arrival, admission, service.hash_on);
  if (admission.pool->sticky.on())
    admission.sticky = admission.pool->sticky.find(http::cookie_value(head, service.sticky_cookie));
}

}  // namespace

namespace {

// RFC 8555 8.3. Other tokens than those that are open here go where their route leads: to a client behind us,
// perhaps.
bool is_challenge(const http::RequestHead& head, const World& world, Admission& admission) {
  if (head.method_id != http::Method::get && head.method_id != http::Method::head) return false;
  admission.challenge = world.challenges().find_http(head.path());
  if (admission.challenge == nullptr) return false;
  refuse(admission, 200, http::Termination::challenge, "a challenge of a certificate authority");
  return true;
}

}  // namespace

Admission admit(const Arrival& arrival, const World& world, AdmissionScratch& scratch) {
  Admission admission;
  const http::RequestHead& head = arrival.head;
  admission.client = http::client_of(arrival.peer, world.settings().trusted_proxies, head);
  admission.secure = arrival.tls != nullptr || admission.client.proto == "https";
  admission.host = http::lower_host(head.host_name(), scratch.host);
  if (is_challenge(head, world, admission)) return admission;
  if (stop_at_gate(arrival, world, admission)) return admission;
  if (arrival.tls != nullptr && !arrival.tls->covers(admission.host)) {
    refuse(admission, 421, http::Termination::misdirected,
           "the certificate of this connection doesn't cover this host");
    return admission;
  }
  const std::optional<http::Target> target = http::normalise_target(head.path(), scratch.path);
  if (!target) {
    refuse(admission, 400, http::Termination::client_malformed, "the path is malformed");
    return admission;
  }
  admission.path = target->path;
  admission.query = target->query.empty() ? target->query : target->query.substr(1);
  admission.forward = target->forward;
  admission.match = find_route(arrival, world, admission, admission.path);
  if (leads_elsewhere(arrival, world, admission, scratch.target)) {
    admission.match.target = nullptr;
    refuse(admission, 400, http::Termination::client_malformed, "the path can be read as another route's");
    return admission;
  }
  const auto& only = arrival.listener.conf.only;
  if (admission.match.target != nullptr && !only.empty() && !contains(only, admission.match.target->owner->name))
    admission.match.target = nullptr;
  if (admission.match.target == nullptr)
    refuse(admission, 404, http::Termination::no_route, "no route leads there");
  else
    judge_route(arrival, world, admission, *target, scratch);
  return admission;
}

const conf::Page* page_for(int status, std::span<const conf::Page> pages) {
  for (const conf::Page& page : pages)
    if (page.status.contains(status)) return &page;
  return nullptr;
}

}  // namespace gatehouse::proxy
