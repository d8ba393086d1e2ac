// ca_io.h: one certificate authority: its directory, our account there, and requests signed for it.
//   The account's key is stored before the CA hears of it, its URL after; an account that the CA does not know any
//   more is told and never made anew in silence: a human decides that (docs/certificates.md). A new key of it is stored
//   before the CA hears of it, too; which one holds is asked after an answer that was lost. A request whose nonce
//   was refused is signed again with the nonce of that answer, nonce_tries at most. A CA that was not ready is not
//   asked again for unready_least, or as long as it said, however many names want it.
//   Threads  one (control). What is under way when it is destroyed calls nobody.
//   Limits   requests_most at once, an answer 1 MiB and answer_most of time; places_most servers of one CA;
//            redirects_most of the directory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acme/account_key.h"
#include "acme/directory.h"
#include "acme/nonce_pool.h"
#include "acme/order.h"
#include "acme/store_io.h"
#include "conf/config.h"
#include "net/asio.h"
#include "net/http_client_io.h"
#include "net/trust_store.h"

namespace gatehouse::acme {

class Ca {
 public:
  static constexpr std::size_t requests_most = 6, places_most = 8, answer_bytes_most = 1 << 20;
  static constexpr unsigned nonce_tries = 8, redirects_most = 10;
  static constexpr Millis answer_most = 30s;
  static constexpr Millis unready_least = 30s, unready_most = std::chrono::hours(1);
  static constexpr auto directory_age_most = std::chrono::minutes(10);
  static constexpr auto clock_difference_most = std::chrono::hours(1);

  struct Unready {
    Problem problem;
    std::optional<Seconds> retry_after;
  };
  using Ready = std::function<void(const std::optional<Unready>&)>;
  using Answered = std::function<void(const Event&)>;  // a Reply or a Lost
  using Changed = std::function<void(const Status&)>;

  Ca(asio::io_context& io, conf::AcmeDirectory conf, std::vector<std::string> contact, Store& store);
  ~Ca() { *alive_ = false; }
  Ca(const Ca&) = delete;
  Ca& operator=(const Ca&) = delete;

  const std::string& url() const { return conf_.url; }
  const conf::AcmeDirectory& conf() const { return conf_; }
  const std::string& profile() const { return conf_.profile; }

  // The directory is fresh and there is an account: then the rest can be used.
  void ready(Ready done);
  void ask_anew() { unready_until_ = {}; }  // somebody says that it may be ready now
  const Directory& directory() const { return directory_; }
  const AccountKey& key() const { return *key_; }
  const std::string& account() const { return account_; }  // empty: none yet
  bool offers_windows() const { return !directory_.renewal_info.empty(); }

  void post(const Post& what, Answered done);       // by our account
  void get(const std::string& url, Answered done);  // not signed

  // Gives the account a new key (RFC 8555 7.3.5). Only when it is ready, and no challenge is open that the old key
  // answers for. Whoever wants it to be ready waits for the end.
  void change_key(Changed done);

 private:
  struct Job {
    Post what;
    std::shared_ptr<const AccountKey> by;  // signed with this key itself; null: by the account
    unsigned tries = 0;
    Answered done;
  };
  using JobPtr = std::shared_ptr<Job>;

  void fetch_directory(const std::string& url, unsigned redirects);
  void directory_came(const HttpClientReply& reply);
  void open_account();
  Result<std::string> account_request();
  void account_came(const Event& event);
  void key_change_came(const Event& event, const Changed& done);
  void end_key_change(const Status& status, const Changed& done);
  void settle_key(std::function<void(const Result<bool>&)> done);
  void open_half_changed(const std::string& next_key_pem);
  Status take_next_key();
  void drop_next_key();
  void end_waiting(const std::optional<Unready>& why);
  void fail(std::string what) { end_waiting(Unready{trouble(std::move(what)), {}}); }
  void later(std::function<void()> work);  // not from within the call; not after the end
  void send(const JobPtr& job);
  void send_with(const JobPtr& job, const std::string& nonce);
  void answered(const JobPtr& job, Result<HttpClientReply> reply);
  Result<HttpClient*> client_of(const HttpPlace& place);
  Result<std::shared_ptr<const TlsClientPolicy>> tls_policy();
  void request(const std::string& url, HttpClientRequest request, HttpClient::Done done);

  asio::io_context& io_;
  conf::AcmeDirectory conf_;
  std::vector<std::string> contact_;
  Store& store_;
  SystemTrust system_;
  Directory directory_;
  TimePoint directory_at_{};
  bool has_directory_ = false;
  TimePoint unready_until_{};
  Unready unready_;  // why, until then
  std::shared_ptr<const AccountKey> key_;
  std::shared_ptr<const AccountKey> next_key_;  // of a change whose end is not known
  bool changing_ = false;                       // the account's key
  std::string account_;
  NoncePool nonces_;
  std::vector<Ready> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what was posted
  std::map<std::string, std::unique_ptr<HttpClient>> clients_;  // last: ends first
};

}  // namespace gatehouse::acme
