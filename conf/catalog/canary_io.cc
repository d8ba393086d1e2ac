#include "conf/catalog/canary_io.h"

#include <algorithm>

#include "net/encoding.h"

namespace gatehouse::catalog {
namespace {

constexpr Millis answer_within = 2s;
constexpr unsigned misses_told = 3;  // a registration takes a moment to be seen

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string health_of(const OwnService& own) {
  return "/v1/health/service/" + percent_encoded(own.name.empty() ? "consul" : own.name) + "?stale";
}

bool is_refusal(const ConsulReply& reply) { return reply.status >= 400 && reply.status < 500 && reply.status != 429; }

}  // namespace

Canary::Canary(asio::io_context& io, ConsulAgent& agent, OwnService own, Tell tell)
    : agent_(agent), own_(std::move(own)), tell_(std::move(tell)), timer_(io) {
  look();
}

void Canary::confirm(std::function<void(bool)> done) {
  asked_.push_back(std::move(done));
  look();
}

void Canary::look() {
  if (looking_ || left_) return;
  looking_ = true;
  timer_.cancel();
  answering_ = std::exchange(asked_, {});
  const bool lost = misses_ != 0;  // by an agent that was restarted, perhaps
  proves() && (lost || right_ == Right::unknown) ? enroll() : read();
}

void Canary::enroll() {
  agent_.put("/v1/agent/service/register?replace-existing-checks=true", registration(own_), answer_within,
             [this](const Result<ConsulReply>& got) { on_enrolled(got); });
}

// Once it was allowed to, a refusal is a sign that something is wrong, not that it doesn't matter.
void Canary::on_enrolled(const Result<ConsulReply>& got) {
  if (got && got->status == 200) {
    right_ = Right::given;
    refusal_.clear();
  }
  if (got && is_refusal(*got)) {
    refusal_ = trouble_of(*got);
    if (right_ == Right::unknown) right_ = Right::denied;
  }
  read();
}

void Canary::read() {
  agent_.get(health_of(own_), answer_within, [this](const Result<ConsulReply>& got) { on_read(got); });
}

// Where it doesn't show in the datacenter that is asked for: does it in the agent's own?
void Canary::read_here() {
  agent_.get_here(health_of(own_), answer_within, [this](const Result<ConsulReply>& got) {
    if (got && judge(*got) == ConsulFault::none)
      if (const auto shown = shown_in(got->body, own_); shown && *shown && **shown != agent_.datacenter())
        right_ = Right::elsewhere;
    conclude(right_ == Right::elsewhere, refusal_);
  });
}

void Canary::on_read(const Result<ConsulReply>& got) {
  if (!got) return conclude(false, got.error().what);
  if (judge(*got) != ConsulFault::none) return conclude(false, trouble_of(*got));
  if (was_set_back(got->index)) tell_.on_setback();
  view_.leader = got->known_leader;
  view_.fresh_ms = std::max(view_.fresh_ms, wall_ms() - got->last_contact.count());
  if (!got->known_leader || got->last_contact > age_most)
    return conclude(false, "the servers have no leader; what they tell is " +
                               std::to_string(got->last_contact.count() / 1000) + " s old");
  if (!proves()) return conclude(true, "");
  const Result<std::optional<std::string>> shown = shown_in(got->body, own_);
  if (!shown) return conclude(false, shown.error().what);
  if (!*shown && misses_ == 0 && right_ == Right::given) {  // registered anew, it may be seen at once
    ++misses_;
    return enroll();
  }
  const bool may_be_elsewhere = !agent_.datacenter().empty() && right_ == Right::given;
  if (!*shown && misses_ >= misses_told && may_be_elsewhere) return read_here();
  conclude(shown->has_value(), *shown ? "" : refusal_);
}

// A follower may be a moment behind the server that answered before: the second look in a row counts.
bool Canary::was_set_back(std::uint64_t index) {
  behind_ = index < index_ ? behind_ + 1 : 0;
  if (index > index_) index_ = index;
  if (behind_ < 2) return false;
  behind_ = 0;
  index_ = index;
  return true;
}

void Canary::conclude(bool seen, std::string trouble) {
  looking_ = false;
  misses_ = seen ? 0 : misses_ + 1;
  trouble_ = std::move(trouble);
  view_.registers = proves();
  const bool changed = std::exchange(view_.seen, seen) != seen;
  for (auto& done : std::exchange(answering_, {})) done(seen);
  if (left_) return;
  if (seen && proves()) refresh_ttl();
  if (changed || misses_ == misses_told) tell_.on_change();
  if (!asked_.empty()) return look();
  timer_.expires_after(seen && behind_ == 0 ? usual : anxious);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

void Canary::refresh_ttl() {
  agent_.put("/v1/agent/check/update/" + percent_encoded(check_id(own_)), R"({"Status":"passing"})", answer_within,
             [](const Result<ConsulReply>&) {});  // the next look tells
}

// Whoever never got an answer to its registering may be registered all the same.
void Canary::leave(std::function<void()> left) {
  if (!std::exchange(left_, true) && !own_.name.empty() && right_ != Right::denied) {
    timer_.cancel();
    return agent_.put("/v1/agent/service/deregister/" + percent_encoded(own_.id), "", answer_within,
                      [left = std::move(left)](const Result<ConsulReply>&) {
                        if (left) left();
                      });
  }
  if (left) asio::post(timer_.get_executor(), std::move(left));
}

void Canary::retire() {
  left_ = true;
  timer_.cancel();
}

conf::Findings Canary::findings(const std::string& where) const {
  const auto warn = [&](std::string what) {
    return conf::Findings{{{where}, "catalog.consul.register", std::move(what), conf::Severity::warning}};
  };
  if (right_ == Right::denied)
    return warn("the door may not register as " + own_.name + " (" + refusal_ +
                "), so that it can't tell a catalog that lost something from one that hides it: let the token write "
                "that service, or write register: none");
  if (!proves() || misses_ < misses_told) return {};
  return warn("registered as " + own_.id + ", but the catalog doesn't show it" +
              (trouble_.empty() ? "" : " (" + trouble_ + ")") + ": what it loses is held until it does");
}

}  // namespace gatehouse::catalog
