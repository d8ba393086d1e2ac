// Of a CA: the account's key changes (RFC 8555 7.3.5).
#include <utility>

#include "acme/ca_io.h"
#include "acme/jws.h"

namespace gatehouse::acme {

void Ca::change_key(Changed done) {
  const auto refuse = [&](const std::string& what) { later([done, what] { done(Error{Errc::unavailable, what}); }); };
  if (directory_.key_change.empty()) return refuse("the CA lets no account's key be changed");
  Result<AccountKey> made = AccountKey::make();
  const Result<std::string> pem = made ? made->pem() : made.error();
  if (!pem) return refuse(pem.error().what);
  const Result<std::string> payload = key_change_payload(*key_, *made, account_, directory_.key_change);
  if (!payload) return refuse(payload.error().what);
  if (const Status saved = store_.save_next_account_key(conf_.url, *pem); !saved)
    return refuse("the new key can't be stored: " + saved.error().what);
  next_key_ = std::make_shared<const AccountKey>(std::move(*made));
  changing_ = true;
  post({directory_.key_change, *payload}, [this, done](const Event& event) { key_change_came(event, done); });
}

void Ca::key_change_came(const Event& event, const Changed& done) {
  const auto* reply = std::get_if<Reply>(&event);
  if (reply != nullptr && reply->status / 100 == 2) return end_key_change(take_next_key(), done);
  if (reply == nullptr || reply->status >= 500)  // it may have been done, or not
    return settle_key([this, done](const Result<bool>& taken) {
      if (!taken) return end_key_change(taken.error(), done);
      end_key_change(*taken ? Status(Done{}) : Status(Error{Errc::unavailable, "the CA has not changed it"}), done);
    });
  drop_next_key();
  end_key_change(Error{Errc::unavailable, read_problem(reply->status, reply->body).text()}, done);
}

void Ca::end_key_change(const Status& status, const Changed& done) {
  changing_ = false;
  if (next_key_) account_.clear();  // which key holds is not known: asked before anything else is
  if (!waiting_.empty()) fetch_directory(conf_.url, 0);
  done(status);
}

// Whether the account has the new key (7.3.1).
void Ca::settle_key(std::function<void(const Result<bool>&)> done) {
  auto job = std::make_shared<Job>();
  job->what = {directory_.new_account, R"({"onlyReturnExisting":true})"};
  job->by = next_key_;
  job->done = [this, done = std::move(done)](const Event& event) {
    const auto* reply = std::get_if<Reply>(&event);
    if (reply != nullptr && reply->status == 200 && reply->location == account_) {
      const Status taken = take_next_key();
      return done(taken ? Result<bool>(true) : Result<bool>(taken.error()));
    }
    const Problem problem =
        reply != nullptr ? read_problem(reply->status, reply->body) : trouble(std::get<Lost>(event).what);
    if (problem.type != "accountDoesNotExist")
      return done(Error{Errc::unavailable, "the CA doesn't say which key the account has: " + problem.text()});
    drop_next_key();
    done(false);
  };
  send(job);
}

// A change was under way when the process ended, or when the CA could not be asked.
void Ca::open_half_changed(const std::string& next_key_pem) {
  Result<AccountKey> next = AccountKey::from_pem(next_key_pem);
  if (!next) {  // half a file can't be: it was written whole
    account_.clear();
    return fail("the account's next key can't be used: " + next.error().what);
  }
  next_key_ = std::make_shared<const AccountKey>(std::move(*next));
  settle_key([this](const Result<bool>& taken) {
    if (!next_key_) return end_waiting({});
    account_.clear();
    fail(taken.error().what);
  });
}

// The CA has it already: it is used, even where the disk refuses it. Then the next start asks which one holds.
Status Ca::take_next_key() {
  key_ = std::exchange(next_key_, nullptr);
  const Result<std::string> pem = key_->pem();
  if (!pem) return pem.error();
  if (const Status saved = store_.save_account_key(conf_.url, *pem); !saved)
    return Error{saved.error().code, "the new key holds, and stands in next.key alone: " + saved.error().what};
  store_.drop_next_account_key(conf_.url);
  return Done{};
}

void Ca::drop_next_key() {
  next_key_.reset();
  store_.drop_next_account_key(conf_.url);
}

}  // namespace gatehouse::acme
