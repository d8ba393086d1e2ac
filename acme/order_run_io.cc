#include "acme/order_run_io.h"

#include <openssl/crypto.h>

#include "acme/chain.h"

namespace gatehouse::acme {

OrderRun::OrderRun(asio::io_context& io, Ca& ca, OrderSpec spec, std::string key_pem, Hands hands)
    : ca_(ca),
      names_(spec.names),
      key_pem_(std::move(key_pem)),
      machine_(std::move(spec)),
      hands_(std::move(hands)),
      timer_(io) {}

void OrderRun::start() { act(machine_.start()); }

void OrderRun::close() {
  ended_ = true;
  timer_.cancel();
  OPENSSL_cleanse(key_pem_.data(), key_pem_.size());
}

void OrderRun::act(std::vector<Action> actions) {
  for (Action& action : actions)
    if (!ended_) std::visit([this](auto& each) { take(each); }, action);
}

void OrderRun::take(Post& post) {
  ca_.post(post, [self = shared_from_this()](const Event& event) {
    if (!self->ended_) self->hear(event);
  });
}

void OrderRun::take(Present& present) {
  presented_ = true;
  hands_.present(std::move(present.challenges), [self = shared_from_this()](std::string trouble) {
    if (!self->ended_) self->hear(Presented{std::move(trouble)});
  });
}

void OrderRun::take(Wait& wait) {
  timer_.expires_after(wait.time);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && !self->ended_) self->hear(Tick{});
  });
}

void OrderRun::take(Install& install) {
  offered_ = std::move(install);
  const std::string& wanted = ca_.conf().chain;
  if (wanted.empty() || leads_to(offered_.chain_pem, wanted)) return this->install(offered_.chain_pem, false);
  ask_alternate();
}

void OrderRun::ask_alternate() {
  if (alternates_asked_ == offered_.alternates.size()) return install(offered_.chain_pem, true);
  const Post post{offered_.alternates[alternates_asked_++], {}};
  ca_.post(post, [self = shared_from_this()](const Event& event) {
    if (self->ended_) return;
    const auto* reply = std::get_if<Reply>(&event);
    if (reply == nullptr || reply->status != 200 || !leads_to(reply->body, self->ca_.conf().chain))
      return self->ask_alternate();
    self->install(reply->body, false);
  });
}

void OrderRun::install(std::string chain_pem, bool other_chain) {
  OrderEnd out;
  out.other_chain = other_chain;
  const auto now = std::chrono::system_clock::now();
  Result<CertificatePtr> judged = judge_chain(chain_pem, key_pem_, names_, now);
  if (judged) {
    out.certificate = std::move(*judged);
    out.chain_pem = std::move(chain_pem);
  } else {
    out.problem = trouble(judged.error().what);
    hands_.remember({});  // whatever that order gave, it is not for us
  }
  end(std::move(out));
}

void OrderRun::take(GiveUp& give_up) {
  OrderEnd out;
  out.problem = std::move(give_up.problem);
  out.name = std::move(give_up.name);
  out.not_before = give_up.not_before;
  end(std::move(out));
}

void OrderRun::end(OrderEnd end) {
  const auto self = shared_from_this();  // who hears of the end lets go of us
  if (presented_) hands_.present({}, {});
  ended_ = true;
  hands_.ended(std::move(end));
}

}  // namespace gatehouse::acme
