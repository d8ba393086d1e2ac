#include "acme/order.h"

#include <algorithm>
#include <array>
#include <set>

#include "acme/retry_after.h"

namespace gatehouse::acme {
namespace {

constexpr unsigned stumbles_most = 2;  // tries that name a predecessor
constexpr std::array<std::string_view, 3> way_names = {"http-01", "tls-alpn-01", "dns-01"};

std::optional<Way> way_of(std::string_view type) {
  for (std::size_t i = 0; i < way_names.size(); ++i)
    if (way_names[i] == type) return static_cast<Way>(i);
  return std::nullopt;
}

bool is_token(std::string_view token) {  // RFC 8555 8.3: base64url; bounded, because it becomes a name in a table
  return !token.empty() && token.size() <= 256 && std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::set<std::string> names_in(const json::object& order) {
  std::set<std::string> out;
  for (const json::value& each : list_at(order, "identifiers"))
    if (each.is_object()) out.insert(lower(text_at(each.get_object(), "value")));
  return out;
}

// A word of a CA that the predecessor can't be named; then the order is made without.
bool is_about_replaces(const Problem& problem) {
  if (problem.type == "alreadyReplaced" || problem.status == 409) return true;
  const bool refused = problem.status == 400 || problem.status == 403 || problem.status == 404;
  const std::string detail = lower(problem.detail);
  return refused && (detail.find("replace") != detail.npos || detail.find("ari") != detail.npos ||
                     detail.find("certid") != detail.npos || detail.find("predecessor") != detail.npos);
}

Problem problem_of(const json::object& authorization) {
  for (const json::value& each : list_at(authorization, "challenges")) {
    if (!each.is_object()) continue;
    const json::object& error = object_at(each.get_object(), "error");
    if (!error.empty()) return read_problem(error);
  }
  Problem out = trouble("the CA says that the authorization is " + text_at(authorization, "status"));
  out.type = "unauthorized";
  return out;
}

}  // namespace

std::string_view name_of(Way way) { return way_names[static_cast<std::size_t>(way)]; }

std::vector<Action> OrderMachine::start() { return ask(); }

const char* OrderMachine::step() const {
  switch (step_) {
    case Step::order: return spec_.order_url.empty() ? "asking for an order" : "looking at the order begun before";
    case Step::authorizations: return "reading what is to be shown";
    case Step::presenting: return "putting up what is to be shown";
    case Step::responding: return "telling the CA that it may look";
    case Step::polling: return "waiting for the CA to look";
    case Step::ready: return "waiting for the order to be ready";
    case Step::finalizing: return "sending the request for the certificate";
    case Step::processing: return "waiting for the certificate";
    case Step::download: return "fetching the certificate";
    case Step::undoing: return "taking the order back";
    case Step::ended: break;
  }
  return "at its end";
}

std::string OrderMachine::new_order() const {
  json::array identifiers;
  for (const std::string& name : spec_.names) identifiers.push_back(json::object{{"type", "dns"}, {"value", name}});
  json::object out{{"identifiers", std::move(identifiers)}};
  if (!spec_.profile.empty()) out["profile"] = spec_.profile;
  if (!spec_.replaces.empty()) out["replaces"] = spec_.replaces;
  return json::serialize(out);
}

Post OrderMachine::post() const {
  switch (step_) {
    case Step::order:
      return spec_.order_url.empty() ? Post{spec_.new_order_url, new_order()} : Post{spec_.order_url, {}};
    case Step::authorizations:
    case Step::polling: return {authorizations_[at_].url, {}};
    case Step::responding: return {authorizations_[at_].challenge_url, "{}"};
    case Step::finalizing: return {finalize_url_, json::serialize(json::object{{"csr", spec_.csr}})};
    case Step::download: return {certificate_url_, {}};
    case Step::undoing: return {authorizations_[at_].url, R"({"status":"deactivated"})"};
    default: return {spec_.order_url, {}};
  }
}

OrderMachine::Actions OrderMachine::ask() { return {post()}; }

OrderMachine::Actions OrderMachine::wait(Seconds time) {
  waited_ += time;
  if (waited_ <= wait_most) return {Wait{time}};
  why_.problem = trouble("the CA took too long: gave up while " + std::string(step()));
  return give_up();
}

OrderMachine::Actions OrderMachine::give_up() {
  step_ = Step::ended;
  return {why_};
}

// The order's step failed on the way: once more, later; or the order is left as it stands.
OrderMachine::Actions OrderMachine::ask_again(std::optional<Seconds> told, const std::string& what) {
  const bool in_time = !told || *told <= poll_most;
  if (++tries_ < tries_most && in_time) return wait(poll_delay(told, tries_ - 1));
  why_.problem = trouble(what + "; gave up while " + step());
  why_.not_before = told;
  return give_up();
}

OrderMachine::Actions OrderMachine::undo(Problem problem, std::string name, std::optional<Seconds> not_before) {
  why_ = {std::move(problem), std::move(name), not_before};
  step_ = Step::undoing;
  while (at_ < authorizations_.size() && (!authorizations_[at_].pending || authorizations_[at_].void_)) ++at_;
  if (at_ < authorizations_.size()) return ask();
  step_ = Step::ended;
  return {Remember{}, why_};  // an order that failed is of no use any more
}

std::vector<Action> OrderMachine::on(const Event& event) {
  if (step_ == Step::ended) return {};
  if (const auto* reply = std::get_if<Reply>(&event)) return on_reply(*reply);
  if (step_ == Step::undoing) return ++at_, undo(why_.problem, why_.name, why_.not_before);  // it stays pending, then
  if (const auto* lost = std::get_if<Lost>(&event)) {
    // Whether the CA has taken the request is not known: the order says it (a second one would be another
    // certificate).
    if (step_ == Step::finalizing) step_ = Step::ready;
    return ask_again({}, lost->what);
  }
  if (const auto* presented = std::get_if<Presented>(&event)) {
    if (!presented->trouble.empty()) return at_ = 0, undo(trouble(presented->trouble), {});
    step_ = Step::responding;
    at_ = 0;
    return respond_or_poll();
  }
  return ask();
}

OrderMachine::Actions OrderMachine::on_reply(const Reply& reply) {
  if (step_ == Step::undoing) return ++at_, undo(why_.problem, why_.name, why_.not_before);
  if (reply.status < 200 || reply.status > 299) return refused(reply);
  if (step_ == Step::download) {
    step_ = Step::ended;
    return {Install{reply.body, reply.alternates}};
  }
  const json::object body = read_object(reply.body);
  if (text_at(body, "status").empty()) return ask_again(reply.retry_after, "the CA's answer has no status");
  tries_ = 0;
  switch (step_) {
    case Step::authorizations: return on_authorization(body);
    case Step::responding: ++at_; return respond_or_poll();
    case Step::polling: return on_polled(reply, body);
    default: return on_order(reply, body);
  }
}

OrderMachine::Actions OrderMachine::refused(const Reply& reply) {
  Problem problem = read_problem(reply.status, reply.body);
  // Also where the CA itself stumbles over it, twice: without it there is a certificate all the same.
  const bool stumbles = problem.fault() == Fault::passing && tries_ + 1 >= stumbles_most;
  if (step_ == Step::order && spec_.order_url.empty() && !spec_.replaces.empty() &&
      (stumbles || is_about_replaces(problem))) {
    spec_.replaces.clear();
    return ask();
  }
  // An order of long ago: the CA has forgotten it.
  if (step_ == Step::order && !spec_.order_url.empty() && problem.fault() == Fault::permanent && renewed_++ == 0) {
    spec_.order_url.clear();
    return {Remember{}, post()};
  }
  switch (problem.fault()) {
    case Fault::not_ready:
      if (step_ == Step::finalizing) step_ = Step::ready;
      return ask_again(reply.retry_after, problem.text());
    case Fault::passing:
    case Fault::nonce:
      if (step_ == Step::finalizing) step_ = Step::ready;
      return ask_again(reply.retry_after, problem.text());
    case Fault::limited:
      if (reply.retry_after && *reply.retry_after <= poll_most) return ask_again(reply.retry_after, problem.text());
      why_ = {std::move(problem), {}, reply.retry_after};
      return give_up();
    case Fault::account: why_ = {std::move(problem), {}, reply.retry_after}; return give_up();
    default: break;
  }
  // Perhaps the CA has looked already, by a word of ours that a crash made us forget: the authorization says it.
  if (step_ == Step::responding && problem.fault() == Fault::permanent) return ++at_, respond_or_poll();
  // A certificate that can't be fetched at once may be a matter of a moment.
  if (step_ == Step::download && reply.status == 404 && tries_ + 1 < tries_most)
    return ask_again(reply.retry_after, problem.text());
  const std::string name = at_ < authorizations_.size() ? authorizations_[at_].name : std::string();
  at_ = 0;
  return undo(std::move(problem), name, reply.retry_after);
}

OrderMachine::Actions OrderMachine::on_order(const Reply& reply, const json::object& order) {
  Actions out;
  if (step_ == Step::order && spec_.order_url.empty()) {
    if (reply.location.empty())
      return ask_again(reply.retry_after, "the CA's answer does not say where the order is");
    spec_.order_url = reply.location;
    out.push_back(Remember{reply.location});
  }
  const auto then = [&out](Actions more) {
    for (Action& each : more) out.push_back(std::move(each));
    return std::move(out);
  };
  const std::set<std::string> wanted(spec_.names.begin(), spec_.names.end());
  const std::string status = text_at(order, "status");
  if (names_in(order) != wanted) return then(undo(trouble("the CA's order is for other names than asked for"), {}));
  if (status == "invalid") {
    const json::object& error = object_at(order, "error");
    // One that ended before this run is no news.
    if (step_ == Step::order && renewed_++ == 0) {
      spec_.order_url.clear();
      return {Remember{}, post()};
    }
    at_ = 0;
    return then(undo(error.empty() ? trouble("the CA says that the order is invalid") : read_problem(error), {}));
  }
  finalize_url_ = text_at(order, "finalize");
  if (status == "valid") {
    certificate_url_ = text_at(order, "certificate");
    if (certificate_url_.empty())
      return then(ask_again(reply.retry_after, "the CA's order has no certificate's URL"));
    step_ = Step::download;
    return then(ask());
  }
  if (status == "processing") {
    step_ = Step::processing;
    return then(wait(poll_delay(reply.retry_after, looks_++)));
  }
  if (status == "ready") return then(finalize());
  if (step_ == Step::ready || step_ == Step::processing) return then(wait(poll_delay(reply.retry_after, looks_++)));
  for (const std::string& url : texts_at(order, "authorizations"))
    if (authorizations_.size() < authorizations_most) authorizations_.push_back({url, {}, {}, {}, false, false});
  if (authorizations_.empty()) return then(ask_again(reply.retry_after, "the CA's order has no authorizations"));
  step_ = Step::authorizations;
  at_ = 0;
  return then(ask());
}

OrderMachine::Actions OrderMachine::finalize() {
  if (finalize_url_.empty()) return ask_again({}, "the CA's order does not say where to finalize it");
  step_ = Step::finalizing;
  looks_ = 0;
  return ask();
}

bool OrderMachine::choose_challenge(const json::object& body, Authorization& authorization) {
  for (const Way way : spec_.ways) {
    for (const json::value& each : list_at(body, "challenges")) {
      if (!each.is_object()) continue;
      const json::object& challenge = each.get_object();
      const std::string token = text_at(challenge, "token");
      if (way_of(text_at(challenge, "type")) != way || !is_token(token)) continue;
      authorization.challenge = {authorization.name, way, token};
      authorization.challenge_url = text_at(challenge, "url");
      if (!authorization.challenge_url.empty()) return true;
    }
  }
  return false;
}

OrderMachine::Actions OrderMachine::on_authorization(const json::object& body) {
  Authorization& authorization = authorizations_[at_];
  authorization.name = lower(text_at(object_at(body, "identifier"), "value"));
  const std::string status = text_at(body, "status");
  authorization.pending = status == "pending";
  if (status == "pending") {
    const bool ours = std::any_of(spec_.names.begin(), spec_.names.end(), [&](const std::string& name) {
      return name == authorization.name || (name.starts_with("*.") && name.substr(2) == authorization.name);
    });
    if (!ours || !choose_challenge(body, authorization)) {
      const std::string what = ours ? "the CA offers no challenge for it that can be answered here"
                                    : "the CA asks for a name that was not asked for";
      const std::string name = authorization.name;
      return at_ = 0, undo(trouble(what), name);
    }
  } else if (status != "valid") {
    const std::string name = authorization.name;
    authorization.void_ = true;
    return at_ = 0, undo(problem_of(body), name);
  }
  ++at_;
  return next_authorization();
}

OrderMachine::Actions OrderMachine::next_authorization() {
  if (at_ < authorizations_.size()) return ask();
  Present present;
  for (const Authorization& each : authorizations_)
    if (each.pending) present.challenges.push_back(each.challenge);
  at_ = 0;
  if (present.challenges.empty()) return step_ = Step::ready, ask();  // all are valid from before
  step_ = Step::presenting;
  return {present};
}

OrderMachine::Actions OrderMachine::respond_or_poll() {
  while (at_ < authorizations_.size() && !authorizations_[at_].pending) ++at_;
  if (at_ < authorizations_.size()) return ask();
  looks_ = 0;
  at_ = 0;
  if (step_ == Step::responding) {
    step_ = Step::polling;
    return respond_or_poll();
  }
  step_ = Step::ready;
  return ask();
}

OrderMachine::Actions OrderMachine::on_polled(const Reply& reply, const json::object& body) {
  const std::string status = text_at(body, "status");
  Authorization& authorization = authorizations_[at_];
  if (status == "pending" || status == "processing") return wait(poll_delay(reply.retry_after, looks_++));
  authorization.pending = false;
  if (status != "valid") {
    const std::string name = authorization.name;
    return at_ = 0, undo(problem_of(body), name);
  }
  looks_ = 0;
  return respond_or_poll();
}

}  // namespace gatehouse::acme
