#include "proxy/guard_io.h"

#include "proxy/exchange_io.h"
#include "proxy/http/cookie.h"
#include "ratelimit/application_event.h"
#include "ratelimit/watch.h"

namespace gatehouse::proxy {
namespace {

constexpr std::uint64_t longest_retry_s = 365ull * 86400;

class HeadOfEvent final : public ratelimit::EventFields {
 public:
  explicit HeadOfEvent(const http::RequestHead& head) : head_(head) {}

  std::string_view header(std::string_view name) const override {
    const http::Field* field = head_.find(name);
    return field != nullptr ? head_.value(*field) : std::string_view();
  }
  std::string_view cookie(std::string_view name) const override { return http::cookie_value(head_, name); }
  bool any_header(bool (*matches)(const void* with, std::string_view value), const void* with) const override {
    for (const http::Field& field : head_.fields())
      if (matches(with, head_.value(field))) return true;
    return false;
  }

 private:
  const http::RequestHead& head_;
};

}  // namespace

std::optional<ratelimit::Gate> gate_of(const Worker& worker, const Settings& settings) {
  if (!settings.guard || !worker.shared.guard) return std::nullopt;
  return ratelimit::Gate{*settings.guard, *worker.shared.guard, worker.loop.now_us()};
}

bool drops(const Worker& worker, const IpAddress& client) {
  if (!worker.shared.guard || worker.shared.guard->bans.empty()) return false;
  if (!worker.worlds.current().challenges().http.empty()) return false;  // a CA may ask: its head is looked at first
  const auto ban = worker.shared.guard->bans.find(client, worker.loop.now());
  return ban && ban->action == conf::BanAction::drop;
}

bool is_banned(const Worker& worker, const IpAddress& client) {
  return worker.shared.guard && worker.shared.guard->bans.find(client, worker.loop.now());
}

void show_to_guard(Worker& worker, const IpAddress& client, std::string_view kind, std::string_view reason) {
  const std::shared_ptr<const ratelimit::Rules>& rules = worker.worlds.current().settings().guard;
  if (!rules || rules->jails.empty() || !worker.shared.guard || is_banned(worker, client)) return;
  ratelimit::Event event;
  event.event = kind;
  event.client = client;
  event.reason = reason;
  const ratelimit::Moment moment{worker.loop.now(), worker.dice.roll()};
  ratelimit::watch(event, *rules, *worker.shared.guard, moment, worker.guard_told);
}

void put_guard_fields(const Admission& admission, http::HeadWriter& out) {
  if (admission.ban) {
    std::array<char, ratelimit::ban_id_bytes> id;
    ratelimit::write_ban_id(admission.ban->id, id);
    out.field("X-Ban-Id", std::string_view(id.data(), id.size()));
  } else if (admission.limit.answer == ratelimit::LimitAnswer::refused) {
    std::array<char, 128> room;
    if (const std::string_view field = ratelimit::rate_limit_field(admission.limit, room); !field.empty())
      out.field("RateLimit", field);
    out.field("RateLimit-Policy", admission.limit.by->policy);
  } else {
    return;
  }
  out.field("Cache-Control", "no-store");
}

Seconds retry_after(const Admission& admission, LoopTime now) {
  const std::uint64_t ms = admission.ban ? admission.ban->until_ms - std::min(now, admission.ban->until_ms)
                                         : (admission.limit.wait_us + 999) / 1000;
  return Seconds(std::min((ms + 999) / 1000, longest_retry_s));
}

std::string_view ban_words(const ratelimit::BanVerdict& ban, std::span<char, ban_words_bytes> room) {
  std::array<char, ratelimit::ban_id_bytes> id;
  ratelimit::write_ban_id(ban.id, id);
  http::HeadWriter out(room);
  out.put("this address is banned; whom you ask about it will want to know the ban's id: ");
  out.put(std::string_view(id.data(), id.size()));
  return out.text();
}

http::Termination stopped_by_guard(const ClientConnection& client, const conf::TcpEntry& entry,
                                   const conf::Service& service) {
  const std::optional<ratelimit::Gate> gate = gate_of(client.worker, client.worker.worlds.current().settings());
  if (!gate) return http::Termination::ok;
  if (gate->banned(client.peer.ip)) return http::Termination::banned;
  if (entry.policy.rate_limits.empty()) return http::Termination::ok;
  ratelimit::RequestFacts facts;
  facts.client = client.peer.ip;
  facts.service = service.name;
  const bool over = gate->limit(entry.policy.rate_limits, facts).answer == ratelimit::LimitAnswer::refused;
  return over ? http::Termination::rate_limited : http::Termination::ok;
}

// Who was banned has no business here on other connections either. A proxy's connection is not its client's.
void Worker::part_with_banned() {
  if (!shared.guard || shared.guard->bans.changes() == bans_seen_) return;
  bans_seen_ = shared.guard->bans.changes();
  const Settings& settings = worlds.current().settings();
  for (ListNode* node = clients_.next; node != &clients_; node = node->next) {
    auto& connection = static_cast<ClientConnection&>(*node);
    const bool unheard = connection.requests == 0 && !connection.carries_tcp;  // will be told when it asks
    if (unheard || connection.linger || !shared.guard->bans.find(connection.peer.ip, loop.now())) continue;
    if (is_in(settings.trusted_proxies, connection.peer.ip)) continue;
    connection.was_banned = true;
    connection.cut();
  }
}

// The bytes that come meanwhile stay where they are: only the client's going ends the wait.
Task<> Exchange::wait_turn() {
  const LoopTime due = worker_.loop.now() + (admission_.limit.wait_us + 999) / 1000;
  while (worker_.loop.now() < due && !client_.stream.failed() && !client_.was_cut) co_await client_.waker.sleep(due);
  if (worker_.loop.now() >= due) co_return;
  refuse(400, http::Termination::client_closed, "the client went away");
}

bool Exchange::leaves_silently() const {
  return admission_.ban &&
         (admission_.ban->action == conf::BanAction::close || admission_.ban->action == conf::BanAction::drop);
}

// The answer's head will be gone when the request is over.
void Exchange::keep_application_event() {
  const http::Field* field = answer_head_.find(http::FieldId::x_ban_event);
  if (field == nullptr) return;
  const auto said = ratelimit::parse_application_event(answer_head_.value(*field));
  if (!said) return worker_.counters.application_events_unread.add();
  worker_.counters.application_events.add();
  application_event_ = std::make_unique<ApplicationEvent>(
      ApplicationEvent{std::string(said->reason), std::string(said->user), said->weight});
}

// What is over is shown to the filters; who is banned already has nothing to add.
void Exchange::tell_guard() {
  if (admission_.ban) {
    worker_.counters.requests_banned.add();
    client_.was_banned = !admission_.client.peer_trusted;  // a proxy's connection is not its client's
    return;
  }
  const std::shared_ptr<const ratelimit::Rules>& rules = settings_->guard;
  if (!rules || rules->jails.empty() || !worker_.shared.guard) return;
  const HeadOfEvent fields(head_);
  ratelimit::Event event;
  event.client = admission_.client.hop_count > 0 ? admission_.client.address() : client_.peer.ip;
  event.status = status_;
  event.termination = http::termination_text(termination_);
  event.by = refused_ != 0 && !answering_ ? "door" : "backend";
  event.request_id = request_id_;
  if (pool_ != nullptr) event.service = pool_->service->name;
  if (head_complete_) {
    const std::string_view target = head_.target();
    const std::size_t mark = std::min(target.find('?'), target.size());
    event.method = head_.method();
    event.host = head_.host_name();
    event.path = target.substr(0, mark);
    event.query = target.substr(std::min(mark + 1, target.size()));
    event.user_agent = head_.value_of(http::FieldId::user_agent);
    event.referer = head_.value_of(http::FieldId::referer);
    event.fields = &fields;
  }
  const ratelimit::Moment moment{worker_.loop.now(), worker_.dice.roll()};
  ratelimit::watch(event, *rules, *worker_.shared.guard, moment, worker_.guard_told);
  if (!application_event_) return;
  event.event = ratelimit::event_kind::application;
  event.reason = application_event_->reason;
  event.user = application_event_->user;
  event.weight = application_event_->weight;
  ratelimit::watch(event, *rules, *worker_.shared.guard, moment, worker_.guard_told);
}

}  // namespace gatehouse::proxy
