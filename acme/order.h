// order.h: one order of a certificate from its start to its end (RFC 8555 7.4 and 7.5) as a pure machine: what
//   happened in, what is to be done out. It knows no socket, file, clock or key: whoever runs it signs and sends,
//   presents challenges, waits, and stores.
//   An order that was begun before is taken up where it stands, by its URL. What the CA refuses for good ends the
//   order and takes what is pending of it back (7.5.2); what only failed on the way is tried again, tries_most times,
//   then left for later: the order's URL stays good.
//   Limits  wait_most of waiting in all; authorizations_most; a body as json_look.h has it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "acme/problem.h"
#include "net/clock.h"

namespace gatehouse::acme {

enum class Way { http_01, tls_alpn_01, dns_01 };  // how control of a name is shown
std::string_view name_of(Way way);

struct OrderSpec {
  std::vector<std::string> names;
  std::vector<Way> ways;      // in the order of preference
  std::string new_order_url;  // of the directory
  std::string order_url;      // one begun before; empty: none
  std::string profile;        // empty: the CA's choice
  std::string replaces;       // the certificate that this one follows (RFC 9773 5); empty: none
  std::string csr;            // DER as base64url
};

struct Challenge {
  std::string name;  // without "*."
  Way way = Way::http_01;
  std::string token;
  bool operator==(const Challenge&) const = default;
};

// What is to be done. Each list that `on` gives holds one that answers to an event, or ends the order, as its last.
struct Post {  // signed; empty payload: POST-as-GET; answered by a Reply or a Lost
  std::string url, payload;
};
struct Remember {  // the order's URL; before anything is done with it. Empty: it is void
  std::string order_url;
};
struct Present {  // all of them, until the order ends; answered by Presented
  std::vector<Challenge> challenges;
};
struct Wait {  // answered by Tick
  Seconds time;
};
struct Install {  // the end, a good one; not checked yet
  std::string chain_pem;
  std::vector<std::string> alternates;  // URLs of other chains
};
struct GiveUp {  // the end
  Problem problem;
  std::string name;                   // whose fault it is; empty: the order's as a whole
  std::optional<Seconds> not_before;  // the CA said so
};
using Action = std::variant<Post, Remember, Present, Wait, Install, GiveUp>;

// What happened.
struct Reply {
  unsigned status = 0;
  std::string location, body;
  std::optional<Seconds> retry_after;
  std::vector<std::string> alternates;
};
struct Lost {  // no answer, or none that could be read
  std::string what;
};
struct Presented {
  std::string trouble;  // empty: they can be seen by the CA
};
struct Tick {};
using Event = std::variant<Reply, Lost, Presented, Tick>;

class OrderMachine {
 public:
  static constexpr unsigned tries_most = 5;
  static constexpr Seconds wait_most = std::chrono::minutes(10);
  static constexpr std::size_t authorizations_most = 100;

  explicit OrderMachine(OrderSpec spec) : spec_(std::move(spec)) {}
  std::vector<Action> start();
  std::vector<Action> on(const Event& event);

  const char* step() const;  // for people: "waiting for the CA to look at the challenges"
  bool replaced() const { return !spec_.replaces.empty(); }  // still said that it follows another

 private:
  enum class Step {
    order,
    authorizations,
    presenting,
    responding,
    polling,
    ready,
    finalizing,
    processing,
    download,
    undoing,
    ended
  };
  struct Authorization {
    std::string url, name, challenge_url;
    Challenge challenge;
    bool pending = false;
    bool void_ = false;  // nothing to take back any more
  };
  using Actions = std::vector<Action>;

  Actions on_reply(const Reply& reply);
  Actions on_order(const Reply& reply, const json::object& order);
  Actions on_authorization(const json::object& body);
  Actions on_polled(const Reply& reply, const json::object& body);
  Actions refused(const Reply& reply);
  Actions ask_again(std::optional<Seconds> told, const std::string& what);
  Actions next_authorization();
  Actions respond_or_poll();
  Actions finalize();
  Actions undo(Problem problem, std::string name, std::optional<Seconds> not_before = {});
  Actions give_up();
  Actions ask();  // what the step asks
  Actions wait(Seconds time);
  Post post() const;
  std::string new_order() const;
  bool choose_challenge(const json::object& body, Authorization& authorization);

  OrderSpec spec_;
  Step step_ = Step::order;
  std::vector<Authorization> authorizations_;
  std::size_t at_ = 0;  // in authorizations_
  std::string finalize_url_, certificate_url_;
  unsigned tries_ = 0, looks_ = 0, renewed_ = 0;
  Seconds waited_{0};
  GiveUp why_;
};

}  // namespace gatehouse::acme
