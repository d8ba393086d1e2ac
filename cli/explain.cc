#include "cli/explain.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include "cli/guard_desk.h"
#include "cli/policy_words.h"
#include "cli/status.h"
#include "cli/text.h"
#include "conf/guard_keys.h"
#include "conf/values.h"
#include "proxy/admission.h"
#include "proxy/files/find_io.h"
#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/local_reply.h"
#include "proxy/http/parse.h"
#include "proxy/pool/panic.h"
#include "proxy/pool/pick.h"

namespace gatehouse::cli {
namespace {

struct Url {
  bool tls = false;
  std::string authority, target;  // the target begins with '/'
  std::uint16_t port = 0;         // 0: the URL names none
};

Result<Url> parse_url(const std::string& text) {
  Url url;
  std::string_view rest = text;
  if (http::starts_caseless(rest, "https://"))
    url.tls = true, rest.remove_prefix(8);
  else if (http::starts_caseless(rest, "http://"))
    rest.remove_prefix(7);
  else
    return invalid("\"" + printable(text) + "\": write the URL as in https://learn.bank.example/forum");
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  url.authority = std::string(rest.substr(0, end));
  const std::optional<http::Authority> authority = http::parse_authority(url.authority);
  if (!authority) return invalid("\"" + printable(url.authority) + "\" is no host with an optional port");
  url.port = authority->port;
  url.target = std::string(rest.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

// The listener of the URL's port; the first of its kind if the URL names no port, or its usual one, and none has it.
Result<const conf::Listen*> choose_listener(const Url& url, const conf::Config& config) {
  const std::uint16_t usual = url.tls ? 443 : 80, wanted = url.port != 0 ? url.port : usual;
  const conf::Listen* first = nullptr;
  std::string known;
  for (const conf::Listen& listen : config.listen) {
    known += (known.empty() ? "" : ", ") + listen.name + " " + listen.address.text() + (listen.tls ? " (tls)" : "");
    if (listen.tls != url.tls) continue;
    if (listen.address.port == wanted) return &listen;
    if (first == nullptr) first = &listen;
  }
  if (first != nullptr && wanted == usual) return first;
  return invalid("no listener takes " + std::string(url.tls ? "https" : "http") + " on port " +
                 std::to_string(wanted) + "; there are: " + printable(known));
}

std::string request_bytes(const ExplainRequest& request, const Url& url) {
  std::string out = request.method + " " + url.target + " HTTP/1.1\r\n";
  const bool has_host = std::any_of(request.fields.begin(), request.fields.end(),
                                    [](const std::string& field) { return http::starts_caseless(field, "host:"); });
  if (!has_host) out += "Host: " + url.authority + "\r\n";
  for (const std::string& field : request.fields) out += field + "\r\n";
  return out + "\r\n";
}

// What a handshake for this host would have served.
TlsSelection selection_for(std::string_view host, const CertificateSet& certificates) {
  TlsSelection selection;
  selection.certificates = &certificates;
  selection.server_name = std::string(host);
  const ServedCertificates* found = certificates.find(host);
  selection.served = found != nullptr ? *found : certificates.fallback();
  return selection;
}

std::string place_text(const conf::Position& at) {
  return at.file + (at.line != 0 ? ":" + std::to_string(at.line) : "");
}

std::string limit_words(const ratelimit::Limit& limit) {
  std::string key;
  for (const conf::LimitKey& part : limit.conf.key) key += (key.empty() ? "" : " and ") + conf::limit_key_text(part);
  std::string out = limit.name + "  " + conf::rate_text(limit.conf.rate) + " by " + key;
  if (limit.conf.burst != 0) out += ", burst " + std::to_string(limit.conf.burst);
  if (limit.conf.delay) out += ", delayed";
  return out + (limit.conf.mode == conf::GuardMode::observe ? ", observes" : "");
}

// One request's way, written down as it is walked.
class Walk {
 public:
  Walk(const DoorView& view, const proxy::Listener& listener, const http::RequestHead& head, IpAddress peer)
      : view_(view), listener_(listener), head_(head), peer_(peer) {}

  std::string text() {
    std::array<char, http::host_bytes_max> lowered;
    std::optional<TlsSelection> tls;
    if (listener_.conf.tls)
      tls = selection_for(http::lower_host(head_.host_name(), lowered), view_.world.certificates());
    const auto scratch = std::make_unique<proxy::AdmissionScratch>();
    const std::optional<ratelimit::Gate> gate = gate_now();
    proxy::Arrival arrival{head_, listener_, peer_, tls ? &*tls : nullptr, gate ? &*gate : nullptr};
    arrival.wall_ms = view_.wall_ms;
    const proxy::Admission admission = proxy::admit(arrival, view_.world, *scratch);
    line("listener",
         listener_.conf.name + "  " + listener_.conf.address.text() + (listener_.conf.tls ? "  tls" : ""));
    line("client", client_words(admission));
    if (tls) line("certificate", certificate_words(*tls, admission));
    line("host", std::string(admission.host));
    if (!admission.path.empty()) line("path", std::string(admission.path));
    routes(admission);
    limits(admission);
    if (admission.refusal.status != 0)
      refusal(admission);
    else if (policy_of(admission).files)
      files(admission);
    else
      backend(admission);
    return std::move(out_);
  }

 private:
  void line(std::string_view name, const std::string& text) {
    out_ += std::string(name) + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + printable(text) + "\n";
  }

  std::string client_words(const proxy::Admission& admission) const {
    const http::ClientInfo& client = admission.client;
    const bool told = head_.find("X-Forwarded-For") != nullptr || head_.find("Forwarded") != nullptr;
    if (!client.peer_trusted)
      return client.address().text() + ": who connects" +
             (told ? "; it is not in trusted_proxies, so what it says of others is not believed" : "");
    if (client.hop_count == 1)
      return client.address().text() + ": who connects, a trusted proxy that names no client";
    std::string out = client.address().text() + ": as told by";
    for (unsigned i = 0; i + 1 < client.hop_count; ++i) out += " " + client.hop[i].text();
    return out + (admission.secure && !listener_.conf.tls ? ", which says https" : "");
  }

  std::string certificate_words(const TlsSelection& tls, const proxy::Admission& admission) const {
    if (tls.served.empty()) return "none: the handshake fails";
    if (tls.served.placeholder()) return "the placeholder: no certificate covers " + std::string(admission.host);
    std::string out;
    for (const NamedCertificate& each : view_.world.certificates().all())
      for (const CertificatePtr& served : tls.served.by_key_type)
        if (served && served == each.certificate) out += (out.empty() ? "" : " and ") + each.name;
    return out + (tls.covers(admission.host) ? "" : ", which does not cover this host");
  }

  void routes(const proxy::Admission& admission) {
    if (admission.path.empty()) return;  // refused before
    const auto has_field = [&](const conf::HeaderMatch& asked) { return proxy::has_field(head_, asked); };
    route::RouteRequest request;
    request.host = admission.host;
    request.port = listener_.port();
    request.path = admission.path;
    request.query = admission.query;
    request.method = head_.method();
    request.has_field = has_field;
    Columns rows;
    for (const route::Candidate& candidate : view_.world.matcher().explain(request)) {
      const conf::Route& route = *candidate.target->route;
      std::string verdict = candidate.verdict;
      const auto& only = listener_.conf.only;
      if (!only.empty() && std::find(only.begin(), only.end(), candidate.target->owner->name) == only.end())
        verdict = "this listener carries only other services";
      rows.row({{candidate.target->owner->name}, {route.match.text()}, {verdict}, {place_text(route.at)}});
    }
    out_ += "routes" + std::string(rows.empty() ? "      none names this host\n" : "\n" + rows.text(false));
  }

  // Looks as it stands now, and counts nothing.
  std::optional<ratelimit::Gate> gate_now() const {
    const auto& rules = view_.world.settings().guard;
    if (!rules || view_.guard == nullptr) return std::nullopt;
    return ratelimit::Gate{*rules, *view_.guard, static_cast<std::uint64_t>(view_.steady_ms) * 1000, true};
  }

  void limits(const proxy::Admission& admission) {
    if (admission.ban && view_.guard != nullptr)
      if (const auto ban =
              view_.guard->bans.who_bans(admission.client.address(), static_cast<std::uint64_t>(view_.steady_ms)))
        line("ban", ban->prefix.text() + " by " + std::string(ban->jail_name()) + ", id " +
                        ban_id_text(view_.guard->bans.id_of(ban->prefix)) + "; gatehouse bans why " +
                        ban->prefix.text() + " tells more");
    const auto& rules = view_.world.settings().guard;
    if (!rules) return;
    std::vector<const ratelimit::Limit*> held(rules->limits.everywhere().begin(), rules->limits.everywhere().end());
    if (admission.policy != nullptr)
      for (const auto* limit : rules->limits.named(admission.policy->rate_limits)) held.push_back(limit);
    for (const ratelimit::Limit* limit : held) line("limit", limit_words(*limit));
    if (admission.limit.by == nullptr) return;
    const std::string wait = conf::duration_text(Millis(admission.limit.wait_us / 1000 + 1));
    line("limit", admission.limit.by->name + (admission.limit.answer == ratelimit::LimitAnswer::refused
                                                  ? " refuses it now, for " + wait
                                                  : " lets it wait now, for " + wait));
  }

  void refusal(const proxy::Admission& admission) {
    const proxy::Refusal& refused = admission.refusal;
    out_ += "\n";
    line("answer", std::to_string(refused.status) + " " + std::string(http::reason_phrase(refused.status)) + ", " +
                       std::string(http::termination_text(refused.why)) + ": " + std::string(refused.reason));
    if (!refused.location.empty()) line("location", refused.location);
    if (!refused.allow.empty()) line("allow", std::string(refused.allow));
    if (refused.why == http::Termination::denied && admission.match.target != nullptr) kept_out(admission);
  }

  // Which list it was, and where it stands.
  void kept_out(const proxy::Admission& admission) {
    const route::Match& match = admission.match;
    const route::RouteTarget& target = *match.target;
    const auto of_host = [&](const conf::KeyOrigin& key) {
      return place_text(key) + " " + (key.path.empty() ? "hosts" : key.path);
    };
    const auto of_route = [&](const char* key) {
      return place_text(target.route->at) + " " + key + " of this route, or of service " + target.owner->name +
             ", or of \"*\"";
    };
    switch (match.keeps_out(admission.client.address())) {
      case route::KeptOut::no: return;  // it is the scheme that is refused
      case route::KeptOut::route_allow: return line("by", "not in " + of_route("allow"));
      case route::KeptOut::route_deny: return line("by", "in " + of_route("deny"));
      case route::KeptOut::host_allow: return line("by", "not in " + of_host(match.host->allow_at));
      case route::KeptOut::host_deny: return line("by", "in " + of_host(match.host->deny_at));
    }
  }

  // As the exchange writes it; the request's own name is made when it comes.
  void backend_request(const proxy::Admission& admission) {
    std::vector<char> room(head_.size + admission.forward.size() + (4 << 10) + conf::FieldRules::bytes_max);
    http::HeadWriter writer(room);
    http::RequestRewrite rewrite;
    rewrite.target = admission.forward;
    rewrite.host = admission.pool->service->host;
    rewrite.pass_upgrade = admission.upgrade;
    rewrite.forwarded = admission.pool->service->forwarded;
    rewrite.client = &admission.client;
    rewrite.scheme = listener_.conf.tls ? "https" : "http";
    rewrite.port = listener_.port();
    rewrite.request_id = admission.client.request_id.empty() ? "(made)" : admission.client.request_id;
    const conf::RoutePolicy& policy = *admission.policy;
    if (!policy.headers.request.empty()) rewrite.rules = &policy.headers.request;
    http::write_request_head(head_, rewrite, writer);
    out_ += "\nsent on\n";
    std::string_view rest = writer.text();
    for (std::size_t end = rest.find("\r\n"); end != 0 && end != std::string_view::npos; end = rest.find("\r\n")) {
      out_ += "  " + printable(rest.substr(0, end)) + "\n";
      rest.remove_prefix(end + 2);
    }
  }

  static const conf::RoutePolicy& policy_of(const proxy::Admission& admission) {
    return admission.match.target->route->policy;
  }

  // The same look that a file thread would have.
  void files(const proxy::Admission& admission) {
    const conf::Files& policy = *policy_of(admission).files;
    out_ += "\n";
    line("files", policy.folder);
    const auto rooms = std::make_unique<std::array<files::NameRoom, 2>>();
    const auto path = files::file_path(admission.forward.substr(0, admission.forward.find('?')), (*rooms)[0]);
    if (!path) return line("answer", "404 Not Found, no_file: not a name that is served");
    const Opened folder = open_folder(policy.folder.c_str(), Disk::wait);
    if (folder.error != 0)
      return line("answer",
                  "500 Internal Server Error, file_failed: " + std::generic_category().message(folder.error));
    const http::CodingList codings = http::rank_codings(http::accepted_codings(head_), policy.precompressed);
    const files::Found found = files::find(folder.fd.get(), policy, *path, codings, Disk::wait, (*rooms)[1]);
    switch (found.kind) {
      case files::Found::Kind::file: return line("file", std::string(found.name) + coding_words(found.coding));
      case files::Found::Kind::folder:
        return line("answer", "301 Moved Permanently: a folder; with a slash behind it");
      case files::Found::Kind::missing: return line("answer", "404 Not Found, no_file: no such file");
      case files::Found::Kind::forbidden: return line("answer", "403 Forbidden, no_file: this file can't be read");
      default:
        line("answer", "500 Internal Server Error, file_failed: " + std::generic_category().message(found.error));
    }
  }

  static std::string coding_words(std::optional<conf::ContentCoding> coding) {
    return coding ? ", from its " + std::string(conf::suffix_of(*coding)) : "";
  }

  // What is asked, or left to dice, once all else is decided.
  void open_questions(const proxy::Admission& admission) {
    const std::string& auth = admission.policy->auth.said;
    const conf::Service& service = *admission.pool->service;
    if (!auth.empty()) line("auth", auth + ", asked before the backend is");
    for (const auto& [name, share] :
         {std::pair<const char*, const conf::Share&>{"canary", service.canary}, {"mirror", service.mirror}})
      if (!share.service.empty())
        line(name, std::to_string(share.per_myriad / 100) + "." + std::to_string(share.per_myriad % 100 / 10) +
                       std::to_string(share.per_myriad % 10) + " % of the requests: " + printable(share.service));
    const conf::Cors* cors = admission.fields.cors;
    if (cors != nullptr)
      line("cors", admission.fields.origin.empty() ? "no origin that is admitted" : "the page may read the answer");
  }

  void backend(const proxy::Admission& admission) {
    open_questions(admission);
    backend_request(admission);
    if (policy_of(admission).compress.on())
      line("compress", compress_words(policy_of(admission).compress) + ", if the answer is one to compress");
    const proxy::ServicePool& pool = *admission.pool;
    Columns rows;
    const bool panic = pool::in_panic(pool.endpoints);
    bool any = panic;
    for (const pool::Endpoint& endpoint : pool.endpoints.endpoints()) {
      const std::string out = standing_words(endpoint, view_.steady_ms);
      const pool::Health health = pool::health_of(endpoint);
      const std::string reason = health == pool::Health::up ? "" : health_reason(endpoint, view_);
      any |= out.empty();
      rows.row(
          {{endpoint.name},
           {endpoint.address.text()},
           {std::string(pool::name_of(health))},
           {"weight " + std::to_string(health == pool::Health::warning ? endpoint.weight_warning : endpoint.weight)},
           {endpoint.backup ? "backup" : ""},
           {out.empty() ? "may get it"
            : panic     ? out
                        : "gets nothing: " + out},
           {reason}});
    }
    out_ += "\nendpoints of " + printable(pool.service->name) + " (" + printable(policy_words(*pool.service)) +
            ")\n" + (rows.empty() ? "  none\n" : rows.text(false));
    choice(admission, any);
  }

  void choice(const proxy::Admission& admission, bool any) {
    const auto& endpoints = admission.pool->endpoints;
    if (pool::in_panic(endpoints)) {
      line("choice", "panic: none is healthy; those that the catalog calls passing are tried");
    } else if (admission.sticky) {
      line("choice", endpoints[*admission.sticky].name + ", which its cookie names");
    } else if (endpoints.balance() == conf::Balance::maglev) {
      pool::PickContext context;
      context.hash = admission.hash;
      context.now_ms = view_.steady_ms;
      const pool::Pick pick = pool::pick(endpoints, context);
      if (pick.endpoint != nullptr) line("choice", pick.endpoint->name + ", by its hash");
    }
    if (!any) line("answer", "503 Service Unavailable, no_endpoint: no endpoint can take it now");
  }

  const DoorView& view_;
  const proxy::Listener& listener_;
  const http::RequestHead& head_;
  const IpAddress peer_;
  std::string out_;
};

}  // namespace

Result<std::string> explain(const ExplainRequest& request, const DoorView& view) {
  const Result<Url> url = parse_url(request.url);
  if (!url) return url.error();
  const Result<const conf::Listen*> listen = choose_listener(*url, view.config);
  if (!listen) return listen.error();
  const proxy::Listener listener{**listen};
  const std::string bytes = request_bytes(request, *url);
  const conf::Limits& limits = view.config.limits;
  const http::HeadLimits head_limits{static_cast<std::uint32_t>(limits.request_line),
                                     static_cast<std::uint32_t>(limits.fields), limits.field_count};
  const auto head = std::make_unique<http::RequestHead>();
  head->bytes = bytes.data();
  const http::ParseState state = http::parse_request_head(bytes, head_limits, *head);
  std::string out = printable(request.method + " " + request.url) + "\n\n";
  if (state == http::ParseState::complete && head->size == bytes.size())
    return out + Walk(view, listener, *head, request.peer).text();
  if (state == http::ParseState::refused)
    return out + "answer      " + std::to_string(head->refusal.status) + " " +
           std::string(http::reason_phrase(head->refusal.status)) + ": " + head->refusal.reason + "\n";
  return invalid("a method, URL or field with a line break in it is not one request");
}

}  // namespace gatehouse::cli
