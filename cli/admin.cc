#include "cli/admin.h"

#include <charconv>

#include "cli/certificate_view.h"
#include "cli/door.h"
#include "cli/door_view.h"
#include "cli/explain.h"
#include "cli/guard_answers.h"
#include "cli/json.h"
#include "cli/status.h"
#include "conf/dump.h"
#include "conf/reader_io.h"
#include "conf/service_values.h"
#include "conf/values.h"

namespace gatehouse::cli {
namespace {

HttpReply words(int status, std::string_view text) {
  return {status, "text/plain; charset=utf-8", std::string(text) + "\n"};
}

HttpReply json_reply(int status, const json::object& object) {
  return {status, json_type, json::serialize(object) + "\n"};
}

HttpReply status(Door& door, const HttpRequest&) { return json_reply(200, status_json(view_of(door))); }

HttpReply history(Door& door, const HttpRequest& request) {
  const std::string since = request.query_or("since", "0");
  std::int64_t since_ms = 0;
  const auto [end, error] = std::from_chars(since.data(), since.data() + since.size(), since_ms);
  if (error != std::errc() || end != since.data() + since.size())
    return words(400, "since: milliseconds since 1970, please");
  HttpReply reply{200, "application/x-ndjson", ""};
  for (const HistoryEntry& entry : door.history().since(since_ms)) reply.body += to_json_line(entry);
  return reply;
}

HttpReply reload(Door& door, const HttpRequest& request) {
  const ReloadResult result = door.reload(request.by);
  json::array findings, changes;
  for (const conf::Finding& finding : result.findings) findings.emplace_back(finding.text());
  for (const std::string& change : result.changes) changes.emplace_back(change);
  return json_reply(
      result.applied ? 200 : 409,
      {{"applied", result.applied}, {"findings", std::move(findings)}, {"changes", std::move(changes)}});
}

HttpReply upgrade(Door& door, const HttpRequest& request) {
  const Result<pid_t> begun = door.upgrade(request.by);
  return begun ? json_reply(200, {{"pid", *begun}}) : words(409, begun.error().what);
}

HttpReply ready(Door& door, const HttpRequest&) {
  const DoorView view = view_of(door);
  const std::string reason = unready_reason(view);
  return reason.empty() ? words(200, ready_words(view)) : words(503, reason);
}

HttpReply drain_or_not(Door& door, const HttpRequest& request, bool drain) {
  const std::string target = request.query_or("target");
  if (const Status set = door.set_drain(target, drain, request.by); !set) return words(404, set.error().what);
  return words(200, target + (drain ? " is drained: no new requests" : " is no longer drained"));
}
HttpReply drain(Door& door, const HttpRequest& request) { return drain_or_not(door, request, true); }
HttpReply undrain(Door& door, const HttpRequest& request) { return drain_or_not(door, request, false); }

HttpReply maintenance(Door& door, const HttpRequest& request) {
  const std::string service = request.query_or("target"), state = request.query_or("state", "on");
  const std::string time = request.query_or("for");
  if (state != "on" && state != "off") return words(400, "state: on or off, please");
  std::optional<Millis> lasting;
  if (!time.empty()) {
    const Result<Millis> read = conf::parse_duration(time);
    if (!read || read->count() <= 0 || *read > 365 * 24h || state == "off")
      return words(400, "for: a duration, please, as in 30m, with state=on");
    lasting = *read;
  }
  if (const Status set = door.set_maintenance(service, state == "on", lasting, request.by); !set)
    return words(404, set.error().what);
  if (state == "off") return words(200, service + " is no longer under maintenance");
  return words(200, service + " is under maintenance" + (lasting ? " for " + time : " until it is taken back"));
}

HttpReply failover(Door& door, const HttpRequest& request) {
  const std::string service = request.query_or("target");
  if (!request.query_or("back").empty()) {
    if (const Status back = door.fail_back(service, request.by); !back) return words(404, back.error().what);
    return words(200, service + " is served by its own datacenter again");
  }
  const Result<std::string> to = door.fail_over(service, request.query_or("to"), request.by);
  return to ? words(200, service + " is served by " + *to + " until it is taken back") : words(404, to.error().what);
}

HttpReply approve(Door& door, const HttpRequest& request) {
  const Result<std::size_t> count = door.approve(request.query_or("target"), request.by);
  return count ? words(200, std::to_string(*count) + " no longer held") : words(404, count.error().what);
}

HttpReply freeze(Door& door, const HttpRequest& request) {
  const Status frozen = door.freeze_catalog(request.by);
  return frozen ? words(200, "frozen: what the catalog says is not applied") : words(409, frozen.error().what);
}

HttpReply unfreeze(Door& door, const HttpRequest& request) {
  const Status unfrozen = door.unfreeze_catalog(request.by);
  return unfrozen ? words(200, "what the catalog says is applied again") : words(409, unfrozen.error().what);
}

HttpReply rollback(Door& door, const HttpRequest& request) {
  const std::string table = request.query_or("table", "0");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(table.data(), table.data() + table.size(), number);
  if (error != std::errc() || end != table.data() + table.size()) return words(400, "table: its number, please");
  const Result<std::uint64_t> to = door.roll_back_catalog(number, request.by);
  if (!to) return words(404, to.error().what);
  return words(200, "as at table " + std::to_string(*to) + ", and frozen there");
}

HttpReply reread_keys(Door& door, const HttpRequest&) {
  const std::string why = door.reread_tunnel_keys();
  return why.empty() ? words(200, "the keys that were found hold") : words(409, why);
}

std::vector<acme::CertificateView> obtained_by(const Door& door) {
  return door.issuer() != nullptr ? door.issuer()->views() : std::vector<acme::CertificateView>();
}

HttpReply certificates(Door& door, const HttpRequest&) {
  const auto now = std::chrono::system_clock::now();
  return {200, json_type,
          json::serialize(certificate_list(door.certificates()->all(), obtained_by(door), now)) + "\n"};
}

HttpReply why_certificate(Door& door, const HttpRequest& request) {
  const std::string name = request.query_or("name");
  const auto view = door.issuer() != nullptr ? door.issuer()->view(name) : std::nullopt;
  if (!view)
    return words(404, name +
                          ": no certificate of this name is obtained: no route within certificates.acme.permit "
                          "names it, or one of certificates.files covers it");
  return {200, "text/plain; charset=utf-8", why_text(*view, std::chrono::system_clock::now())};
}

HttpReply renew(Door& door, const HttpRequest& request) {
  const Result<std::size_t> begun = door.renew(request.query_or("name"), request.by);
  return begun ? words(200, std::to_string(*begun) + " begun; `gatehouse certs list` tells how they fare")
               : words(409, begun.error().what);
}

HttpReply revoke(Door& door, const HttpRequest& request) {
  const std::string name = request.query_or("name");
  const Status begun = door.revoke(name, request.query_or("reason", "unspecified"), request.by);
  return begun ? words(200, "the CA is asked; `gatehouse certs why " + name + "` tells what it says")
               : words(409, begun.error().what);
}

HttpReply roll_over(Door& door, const HttpRequest& request) {
  const Result<std::size_t> begun = door.change_account_keys(request.by);
  return begun ? words(200, std::to_string(*begun) + " begun; `gatehouse history` tells what came of it")
               : words(409, begun.error().what);
}

HttpReply explained(Door& door, const HttpRequest& request) {
  ExplainRequest asked{request.query_or("method", "GET"), request.query_or("url"), {}, {}};
  const std::optional<IpAddress> peer = IpAddress::parse(request.query_or("from", "127.0.0.1"));
  if (!peer) return words(400, "from: an address, please");
  asked.peer = *peer;
  const std::string fields = request.query_or("field");
  for (std::string_view rest = fields; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    asked.fields.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const Result<std::string> text = explain(asked, view_of(door));
  return text ? HttpReply{200, "text/plain; charset=utf-8", *text} : words(400, text.error().what);
}

HttpReply running_config(Door& door, const HttpRequest&) {
  const conf::Surroundings around = conf::surroundings_of_process(door.config().file);
  return {200, "application/yaml", conf::dump_config(door.config(), conf::Dump::everything, around)};
}

HttpReply log_places(Door& door, const HttpRequest&) {
  return json_reply(200, {{"access", door.config().access_log.to}, {"events", door.config().event_log.to}});
}

std::uint64_t number_or(const HttpRequest& request, const char* name, std::uint64_t otherwise) {
  const std::string text = request.query_or(name);
  std::uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

HttpReply bans(Door& door, const HttpRequest& request) {
  return json_reply(200, bans_json(door, number_or(request, "most", 1000)));
}

HttpReply why_banned(Door& door, const HttpRequest& request) {
  const Result<json::object> why = why_json(door, request.query_or("target"));
  return why ? json_reply(200, *why) : words(404, why.error().what);
}

HttpReply add_ban(Door& door, const HttpRequest& request) {
  const std::string time = request.query_or("for", "1h");
  const Result<Millis> span =
      time == "forever" ? Result<Millis>(conf::Jail::forever) : conf::parse_span(time, 1s, 3650 * 24h, false);
  if (!span) return words(400, span.error().what);
  const Result<std::string> done = door.add_ban(request.query_or("target"), *span, request.by);
  return done ? words(200, *done) : words(409, done.error().what);
}

HttpReply lift_ban(Door& door, const HttpRequest& request) {
  const Result<std::string> done = door.lift_ban(request.query_or("target"), request.by);
  return done ? words(200, *done) : words(404, done.error().what);
}

constexpr Verb table[] = {
    {"GET", "/v1/status", "", status, "the whole state, as JSON"},
    {"GET", "/v1/history", "", history, "what changed since=MS (since 1970), a JSON object a line"},
    {"POST", "/v1/reload", "", reload, "read gatehouse.yaml anew; 409: refused, nothing changed"},
    {"POST", "/v1/upgrade", "", upgrade, "start the program that stands in our place now, to take over; its pid"},
    {"GET", "/v1/ready", "", ready, "200 while the door should get traffic, else 503"},
    {"POST", "/v1/drain", "target", drain, "no new requests for target=SERVICE[/ENDPOINT]"},
    {"POST", "/v1/undrain", "target", undrain, "take a drain back"},
    {"POST", "/v1/maintenance", "target", maintenance,
     "target=SERVICE state=on|off for=TIME: answers 503 with the operator's page"},
    {"POST", "/v1/failover", "target", failover,
     "target=SERVICE to=DATACENTER (else the one that its policy names), or back=1"},
    {"POST", "/v1/catalog/approve", "", approve,
     "end what is held of target=SERVICE[/[NODE/]ID]; without it, of all"},
    {"POST", "/v1/catalog/freeze", "", freeze, "apply no more of what the catalog says; 409: it is frozen"},
    {"POST", "/v1/catalog/unfreeze", "", unfreeze, "apply it again"},
    {"POST", "/v1/catalog/rollback", "", rollback, "as at table=N (else the one before), and freeze there"},
    {"POST", "/v1/tunnel/reread", "", reread_keys, "read the tunnels' keys anew; 409: refused, nothing changed"},
    {"GET", "/v1/certificates", "", certificates, "those brought and those obtained, as JSON"},
    {"GET", "/v1/certificates/why", "name", why_certificate, "all about one that is obtained"},
    {"POST", "/v1/certificates/renew", "", renew,
     "order name=NAME now (else all that are due or failed); 409: can't"},
    {"POST", "/v1/certificates/revoke", "name", revoke, "revoke name=NAME, reason=superseded, and order anew"},
    {"POST", "/v1/certificates/rollover", "", roll_over, "new keys for the accounts with CAs; 409: can't now"},
    {"GET", "/v1/explain", "url", explained, "method= url= field= (joined by newlines) from=ADDRESS"},
    {"GET", "/v1/bans", "", bans, "who is banned, as JSON; most=N"},
    {"GET", "/v1/bans/why", "target", why_banned,
     "target=ADDRESS or a ban's id: the ban and what led to it, as JSON"},
    {"POST", "/v1/bans/add", "target", add_ban, "target=ADDRESS or NETWORK, for=1h or forever"},
    {"POST", "/v1/bans/remove", "target", lift_ban, "lift all bans within target=ADDRESS or NETWORK"},
    {"GET", "/v1/config", "", running_config, "the configuration that runs, as YAML"},
    {"GET", "/v1/logs", "", log_places, "where the logs go, as JSON"},
};

}  // namespace

std::span<const Verb> verbs() { return table; }

const Verb* find_verb(const HttpRequest& request, HttpReply& refusal) {
  const Verb* other_method = nullptr;
  for (const Verb& verb : table) {
    if (verb.path != request.path) continue;
    if (verb.method != request.method) {
      other_method = &verb;
      continue;
    }
    if (verb.required.empty() || !request.query_or(verb.required).empty()) return &verb;
    refusal = words(400, std::string(verb.path) + " needs ?" + std::string(verb.required) + "=…");
    return nullptr;
  }
  if (other_method != nullptr) {
    refusal = words(405, std::string(other_method->path) + " is asked by " + std::string(other_method->method));
    refusal.allow = std::string(other_method->method);
    return nullptr;
  }
  refusal = words(404, "there are:");
  for (const Verb& verb : table)
    refusal.body += std::string(verb.method) + " " + std::string(verb.path) + "  " + std::string(verb.meaning) + "\n";
  return nullptr;
}

HttpReply answer_admin(Door& door, const HttpRequest& request) {
  HttpReply refusal;
  const Verb* verb = find_verb(request, refusal);
  return verb != nullptr ? verb->answer(door, request) : refusal;
}

}  // namespace gatehouse::cli
