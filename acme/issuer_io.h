// issuer_io.h: has every wanted certificate obtained, renewed and kept.
//   Level-triggered: what is wanted is held against what is there, again and again; nothing is done because of an
//   event that could be missed. Each name has a certificate of its own, an order of its own, and its own time for the
//   next try, all in the store: a restart takes up where it was.
//   Threads  one (control). Blocks on the disk for what it stores.
//   Limits   runs_most orders at once, the rest waits its turn; names as wanted.h and store_io.h have it.
//   Failure  of an order: told, counted, tried again as schedule.h says. Of the disk: the certificate is served from
//            memory and written as soon as that can be done.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acme/ca_io.h"
#include "acme/dns_challenges_io.h"
#include "acme/order_run_io.h"
#include "acme/revocation.h"
#include "acme/schedule.h"
#include "acme/wanted.h"
#include "conf/config.h"
#include "net/asio.h"
#include "net/certificate_set.h"
#include "net/challenge_board.h"
#include "net/dice.h"

namespace gatehouse::acme {

// One certificate, for people.
struct CertificateView {
  std::string name;
  CertificatePtr certificate;  // null: none yet
  Record record;
  std::string step;      // of the order under way; empty: none
  bool wanted = true;    // by a route
  bool unsaved = false;  // the disk refused it
  std::string refused;   // why there can be none
};

struct IssuerCounts {
  std::uint64_t orders = 0, obtained = 0, challenges = 0, revoked = 0, keys_changed = 0;
  std::map<std::string, std::uint64_t> failures;  // by type of problem; "none": on the way to the CA
};

class Issuer {
 public:
  static constexpr std::size_t runs_most = 8, questions_most = 4, failure_types_most = 40;
  static constexpr Millis look_most = 60s;  // between two looks
  static constexpr auto forget_after = std::chrono::hours(24 * 30);

  struct Ports {
    // Has every worker see the board, then calls back.
    std::function<void(ChallengeBoardPtr, std::function<void()> seen)> put_up;
    std::function<void()> certificates_changed;
    std::function<void(bool good, const std::string&)> tell;
  };

  Issuer(asio::io_context& io, std::string folder, std::uint64_t seed, Ports ports);
  ~Issuer();

  Status open();  // what is in the store; once
  // A CA that is asked as before goes on. `ways`: those that can be shown here, the preferred first.
  void configure(const conf::Acme& acme, std::vector<Way> ways);
  void want(Wanted wanted);
  void stop();  // no orders any more; those under way are taken up at the next start

  // Of a name; or of all that are due or failed, with an empty one. Gives how many begin.
  Result<std::size_t> renew(const std::string& name);
  // Begins it; `tell` says what came of it. Once it is revoked, a new one is ordered.
  Status revoke(const std::string& name, const RevocationReason& reason);
  // Of all accounts; orders wait for it. Gives how many begin; `tell` says what came of each.
  Result<std::size_t> change_keys();

  std::vector<NamedCertificate> certificates() const;  // "acme:learn.example"; placeholders of those that have none
  std::vector<CertificateView> views() const;
  std::optional<CertificateView> view(const std::string& name) const;
  const IssuerCounts& counts() const { return counts_; }

 private:
  struct Work {
    std::string name;
    Record record;
    CertificatePtr certificate, placeholder;
    std::shared_ptr<OrderRun> run;
    bool starting = false, wanted = false, forced = false;
    std::uint64_t question = 0;  // for the window of its renewal, under way at `asked`; 0: none
    const Ca* asked = nullptr;
    std::string unsaved_key, unsaved_chain;
    std::string new_key;  // of the order under way
  };

  Work& work_of(const std::string& name);
  void look_soon();
  void look();
  WallTime due(const Work& work) const;
  void begin(Work& work);
  void order(Work& work, Ca& ca);
  Status prepare_key(Work& work, const Ca& ca);
  void ended(const std::string& name, OrderEnd end);
  void obtained(Work& work, const Ca& ca, OrderEnd end);
  void failed(Work& work, const Ca& ca, const Problem& problem, std::optional<Seconds> not_before);
  void save(Work& work);
  void save_unsaved(Work& work);
  void ask_window(Work& work);
  void window_came(const std::string& name, std::uint64_t question, const Event& event);
  void plan(Work& work, WallTime now);
  void revoked(const std::string& name, const CertificatePtr& gone, const std::string& ca, const Event& event);
  void key_changed(const std::string& url, const Status& status);
  bool is_asked_otherwise(const Work& work) const;
  void forget_old(WallTime now);
  void present(const std::string& name, std::vector<Challenge> challenges, const Ca* ca,
               std::function<void(std::string)> done);
  std::vector<Way> ways_to(const std::string& name) const;
  void take_down(const std::string& name);
  void put_up_soon();
  void put_up();
  std::size_t running() const;
  Ca& ca_for(const Work& work) const;
  Ca* ca_of(const std::string& url) const;
  CertificateView view_of(const Work& work) const;

  asio::io_context& io_;
  Store store_;
  DnsChallenges dns_;
  Dice dice_;
  Ports ports_;
  conf::Acme acme_;
  std::vector<Way> ways_;
  std::vector<std::unique_ptr<Ca>> cas_;
  std::map<std::string, Work> works_;
  std::map<std::string, std::string> refused_;
  IssuerCounts counts_;
  std::set<const Ca*> changing_;  // the key of the account there
  std::uint64_t questions_ = 0;   // asked so far
  asio::steady_timer timer_;
  bool open_ = false, stopped_ = false, looks_soon_ = false, puts_up_ = false;

  std::map<std::string, ChallengeBoard> open_challenges_;  // by the order's name
  std::vector<std::function<void(std::string)>> to_see_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gatehouse::acme
