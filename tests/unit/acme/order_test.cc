#include "acme/order.h"

#include <gtest/gtest.h>

namespace gatehouse::acme {
namespace {

constexpr const char* order_url = "https://ca.test/order/1";

OrderSpec spec() {
  OrderSpec out;
  out.names = {"a.test"};
  out.ways = {Way::http_01};
  out.new_order_url = "https://ca.test/new-order";
  out.csr = "csr";
  return out;
}

Reply reply(unsigned status, std::string body) {
  Reply out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

std::string order_body(const std::string& status, const std::string& more = "") {
  return R"({"status":")" + status + R"(","identifiers":[{"type":"dns","value":"a.test"}],)" +
         R"("authorizations":["https://ca.test/authz/1"],"finalize":"https://ca.test/finalize/1")" + more + "}";
}

Reply new_order(const std::string& status = "pending", const std::string& more = "") {
  Reply out = reply(201, order_body(status, more));
  out.location = order_url;
  return out;
}

std::string authorization_body(const std::string& status, const std::string& name = "a.test") {
  return R"({"status":")" + status + R"(","identifier":{"type":"dns","value":")" + name + R"("},"challenges":[)" +
         R"({"type":"dns-01","token":"dnsToken","url":"https://ca.test/chall/2"},)" +
         R"({"type":"http-01","token":"t0ken","url":"https://ca.test/chall/1"}]})";
}

std::string problem_body(const std::string& type, const std::string& detail = "why") {
  return R"({"type":"urn:ietf:params:acme:error:)" + type + R"(","detail":")" + detail + R"("})";
}

template <class T>
const T& only(const std::vector<Action>& actions) {
  static const T none{};
  const T* found = actions.empty() ? nullptr : std::get_if<T>(&actions.back());
  EXPECT_NE(found, nullptr) << "another action was due; there are " << actions.size();
  return found != nullptr ? *found : none;
}

// Up to the moment where the challenges are put up.
OrderMachine presented() {
  OrderMachine machine(spec());
  (void)machine.start();
  (void)machine.on(new_order());
  (void)machine.on(reply(200, authorization_body("pending")));
  return machine;
}

TEST(OrderMachine, GoesFromAnOrderToACertificate) {
  OrderMachine machine(spec());
  EXPECT_EQ(only<Post>(machine.start()).payload, R"({"identifiers":[{"type":"dns","value":"a.test"}]})");
  const auto ordered = machine.on(new_order());
  ASSERT_EQ(ordered.size(), 2u);
  EXPECT_EQ(std::get<Remember>(ordered[0]).order_url, order_url) << "stored before anything is done with it";
  EXPECT_EQ(only<Post>(ordered).url, "https://ca.test/authz/1");
  EXPECT_EQ(only<Post>(ordered).payload, "");
  const auto put_up = machine.on(reply(200, authorization_body("pending")));
  EXPECT_EQ(only<Present>(put_up).challenges, (std::vector<Challenge>{{"a.test", Way::http_01, "t0ken"}}));
  const auto told = machine.on(Presented{});
  EXPECT_EQ(only<Post>(told).url, "https://ca.test/chall/1");
  EXPECT_EQ(only<Post>(told).payload, "{}");
  EXPECT_EQ(only<Post>(machine.on(reply(200, R"({"status":"processing"})"))).url, "https://ca.test/authz/1")
      << "the authorization is looked at, not the challenge";
  Reply pending = reply(200, authorization_body("pending"));
  pending.retry_after = 3s;
  EXPECT_EQ(only<Wait>(machine.on(pending)).time, 3s);
  EXPECT_EQ(only<Post>(machine.on(Tick{})).url, "https://ca.test/authz/1");
  EXPECT_EQ(only<Post>(machine.on(reply(200, authorization_body("valid")))).url, order_url);
  const auto ready = machine.on(reply(200, order_body("ready")));
  EXPECT_EQ(only<Post>(ready).url, "https://ca.test/finalize/1");
  EXPECT_EQ(only<Post>(ready).payload, R"({"csr":"csr"})");
  EXPECT_EQ(only<Wait>(machine.on(reply(200, order_body("processing")))).time, 1s);
  EXPECT_EQ(only<Post>(machine.on(Tick{})).url, order_url);
  EXPECT_EQ(only<Post>(machine.on(reply(200, order_body("valid", R"(,"certificate":"https://ca.test/cert/1")")))).url,
            "https://ca.test/cert/1");
  EXPECT_EQ(only<Install>(machine.on(reply(200, "PEM"))).chain_pem, "PEM");
  EXPECT_TRUE(machine.on(Tick{}).empty()) << "after its end nothing is done";
}

TEST(OrderMachine, AnOrderThatIsReadyOrValidAtOnceSkipsWhatIsDone) {
  OrderMachine ready(spec());
  (void)ready.start();
  EXPECT_EQ(only<Post>(ready.on(new_order("ready"))).url, "https://ca.test/finalize/1");
  OrderMachine valid(spec());
  (void)valid.start();
  EXPECT_EQ(only<Post>(valid.on(new_order("valid", R"(,"certificate":"https://ca.test/cert/9")"))).url,
            "https://ca.test/cert/9");
}

TEST(OrderMachine, AnAuthorizationThatIsValidFromBeforeNeedsNoChallenge) {
  OrderMachine machine(spec());
  (void)machine.start();
  (void)machine.on(new_order());
  EXPECT_EQ(only<Post>(machine.on(reply(200, authorization_body("valid")))).url, order_url);
}

TEST(OrderMachine, AnOrderOfBeforeIsTakenUpAndOneThatIsForgottenBeginsAnew) {
  OrderSpec before = spec();
  before.order_url = order_url;
  OrderMachine machine(before);
  EXPECT_EQ(only<Post>(machine.start()).url, order_url);
  EXPECT_EQ(only<Post>(machine.on(reply(200, order_body("ready")))).url, "https://ca.test/finalize/1");
  OrderMachine forgotten(before);
  (void)forgotten.start();
  const auto anew = forgotten.on(reply(404, problem_body("malformed")));
  EXPECT_EQ(std::get<Remember>(anew[0]).order_url, "");
  EXPECT_EQ(only<Post>(anew).url, "https://ca.test/new-order");
  OrderMachine ended(before);
  (void)ended.start();
  EXPECT_EQ(only<Post>(ended.on(reply(200, order_body("invalid")))).url, "https://ca.test/new-order");
}

TEST(OrderMachine, AFailedValidationIsToldWithItsNameAndTheRestIsTakenBack) {
  OrderSpec two = spec();
  two.names = {"a.test", "b.test"};
  OrderMachine machine(two);
  (void)machine.start();
  Reply ordered = new_order();
  ordered.body = R"({"status":"pending","identifiers":[{"value":"A.test"},{"value":"b.test"}],)"
                 R"("authorizations":["https://ca.test/authz/1","https://ca.test/authz/2"],"finalize":"https://f"})";
  (void)machine.on(ordered);
  (void)machine.on(reply(200, authorization_body("pending")));
  EXPECT_EQ(only<Present>(machine.on(reply(200, authorization_body("pending", "b.test")))).challenges.size(), 2u);
  (void)machine.on(Presented{});
  (void)machine.on(reply(200, R"({"status":"processing"})"));
  (void)machine.on(reply(200, R"({"status":"processing"})"));
  const std::string failed =
      R"({"status":"invalid","identifier":{"value":"a.test"},"challenges":[{"type":"http-01","error":)" +
      problem_body("connection", "no route") + "}]}";
  const auto undone = machine.on(reply(200, failed));
  EXPECT_EQ(only<Post>(undone).url, "https://ca.test/authz/2");
  EXPECT_EQ(only<Post>(undone).payload, R"({"status":"deactivated"})");
  const auto end = machine.on(reply(405, ""));  // some CAs have none of it
  EXPECT_EQ(only<GiveUp>(end).name, "a.test");
  EXPECT_EQ(only<GiveUp>(end).problem.text(), "no route (connection)");
  EXPECT_EQ(std::get<Remember>(end[0]).order_url, "");
}

TEST(OrderMachine, ARateLimitIsLeftAtOnceWithItsTimeAndTheOrderStays) {
  OrderMachine machine(spec());
  (void)machine.start();
  Reply limited = reply(429, problem_body("rateLimited"));
  limited.retry_after = std::chrono::hours(2);
  const auto end = machine.on(limited);
  EXPECT_EQ(only<GiveUp>(end).not_before, std::chrono::hours(2));
  EXPECT_EQ(end.size(), 1u);
  OrderMachine brief(spec());
  (void)brief.start();
  limited.retry_after = 5s;
  EXPECT_EQ(only<Wait>(brief.on(limited)).time, 5s);
}

TEST(OrderMachine, WhatFailsOnTheWayIsTriedAgainWithGrowingPausesThenLeft) {
  OrderMachine machine(spec());
  (void)machine.start();
  for (const Seconds pause : {1s, 2s, 4s, 8s}) {
    EXPECT_EQ(only<Wait>(machine.on(Lost{"no answer"})).time, pause);
    EXPECT_EQ(only<Post>(machine.on(Tick{})).url, "https://ca.test/new-order");
  }
  const auto end = machine.on(Lost{"no answer"});
  EXPECT_EQ(only<GiveUp>(end).problem.text(), "no answer; gave up while asking for an order");
}

TEST(OrderMachine, ALostAnswerToFinalizeIsLookedForInTheOrderNotSentAgain) {
  OrderMachine machine(spec());
  (void)machine.start();
  (void)machine.on(new_order("ready"));
  (void)machine.on(reply(500, ""));
  EXPECT_EQ(only<Post>(machine.on(Tick{})).url, order_url);
  EXPECT_EQ(only<Post>(machine.on(reply(200, order_body("valid", R"(,"certificate":"https://c")")))).url,
            "https://c");
}

TEST(OrderMachine, AnOrderThatIsNotReadyYetIsLookedAtAgain) {
  OrderMachine machine(spec());
  (void)machine.start();
  (void)machine.on(new_order("ready"));
  EXPECT_EQ(only<Wait>(machine.on(reply(403, problem_body("orderNotReady")))).time, 1s);
  EXPECT_EQ(only<Post>(machine.on(Tick{})).url, order_url);
}

TEST(OrderMachine, APredecessorThatIsRefusedIsLeftOutOnce) {
  for (const auto& [status, type, detail] :
       {std::tuple(409u, "alreadyReplaced", "x"),
        std::tuple(403u, "unauthorized", "replaced certificate of another account"),
        std::tuple(404u, "malformed", "could not find the ARI certID")}) {
    OrderSpec follows = spec();
    follows.replaces = "id.serial";
    OrderMachine machine(follows);
    EXPECT_NE(only<Post>(machine.start()).payload.find(R"("replaces":"id.serial")"), std::string::npos);
    const auto again = machine.on(reply(status, problem_body(type, detail)));
    EXPECT_EQ(only<Post>(again).payload.find("replaces"), std::string::npos) << type;
    EXPECT_TRUE(std::holds_alternative<GiveUp>(machine.on(reply(status, problem_body(type, detail))).back())) << type;
  }
}

TEST(OrderMachine, ACaThatStumblesOverThePredecessorIsAskedWithoutIt) {
  OrderSpec follows = spec();
  follows.replaces = "id.serial";
  OrderMachine machine(follows);
  (void)machine.start();
  (void)only<Wait>(machine.on(reply(500, problem_body("serverInternal"))));
  EXPECT_NE(only<Post>(machine.on(Tick{})).payload.find("replaces"), std::string::npos);
  EXPECT_EQ(only<Post>(machine.on(reply(500, problem_body("serverInternal")))).payload.find("replaces"),
            std::string::npos);
  EXPECT_FALSE(machine.replaced());
}

TEST(OrderMachine, WhatIsRefusedForGoodEndsAtOnce) {
  OrderMachine machine(spec());
  (void)machine.start();
  EXPECT_EQ(only<GiveUp>(machine.on(reply(400, problem_body("rejectedIdentifier")))).problem.fault(),
            Fault::permanent);
}

TEST(OrderMachine, AChallengeThatWasAnsweredBeforeACrashIsJudgedByItsAuthorization) {
  OrderMachine machine = presented();
  (void)machine.on(Presented{});
  EXPECT_EQ(only<Post>(machine.on(reply(400, problem_body("malformed", "not pending")))).url,
            "https://ca.test/authz/1");
  EXPECT_EQ(only<Post>(machine.on(reply(200, authorization_body("valid")))).url, order_url);
}

TEST(OrderMachine, AnOrderForOtherNamesIsNotOurs) {
  OrderMachine machine(spec());
  (void)machine.start();
  Reply other = new_order();
  other.body = R"({"status":"pending","identifiers":[{"value":"b.test"}],"authorizations":["https://x"]})";
  EXPECT_NE(only<GiveUp>(machine.on(other)).problem.text().find("other names"), std::string::npos);
}

TEST(OrderMachine, AnAuthorizationForANameThatWasNotAskedForIsNotAnswered) {
  OrderMachine machine(spec());
  (void)machine.start();
  (void)machine.on(new_order());
  const auto undone = machine.on(reply(200, authorization_body("pending", "victim.test")));
  EXPECT_EQ(only<Post>(undone).payload, R"({"status":"deactivated"})");
  EXPECT_NE(only<GiveUp>(machine.on(reply(200, "{}"))).problem.text().find("not asked for"), std::string::npos);
}

TEST(OrderMachine, ATokenThatIsNoneIsNotPutUp) {
  for (const char* token : {"", "../../etc", "a b", "t\xc3\xb6ken"}) {
    OrderMachine machine(spec());
    (void)machine.start();
    (void)machine.on(new_order());
    const std::string body = R"({"status":"pending","identifier":{"value":"a.test"},"challenges":[{"type":"http-01",)"
                             R"("url":"https://c","token":")" +
                             std::string(token) + "\"}]}";
    EXPECT_EQ(only<Post>(machine.on(reply(200, body))).payload, R"({"status":"deactivated"})") << token;
  }
}

TEST(OrderMachine, WaitsNoLongerInAllThanItMay) {
  OrderMachine machine = presented();
  (void)machine.on(Presented{});
  (void)machine.on(reply(200, R"({"status":"processing"})"));
  Reply pending = reply(200, authorization_body("pending"));
  pending.retry_after = 60s;
  for (Seconds waited{0}; waited < OrderMachine::wait_most; waited += 60s) {
    EXPECT_EQ(only<Wait>(machine.on(pending)).time, 60s);
    (void)machine.on(Tick{});
  }
  EXPECT_NE(only<GiveUp>(machine.on(pending)).problem.text().find("took too long"), std::string::npos);
}

TEST(OrderMachine, TakesNoMoreAuthorizationsThanItMay) {
  OrderMachine machine(spec());
  (void)machine.start();
  Reply many = new_order();
  many.body = R"({"status":"pending","identifiers":[{"value":"a.test"}],"authorizations":["https://0")";
  for (std::size_t i = 1; i <= OrderMachine::authorizations_most; ++i)
    many.body += ",\"https://" + std::to_string(i) + "\"";
  many.body += "]}";
  (void)machine.on(many);
  for (std::size_t i = 1; i < OrderMachine::authorizations_most; ++i)
    (void)machine.on(reply(200, authorization_body("valid")));
  EXPECT_EQ(only<Post>(machine.on(reply(200, authorization_body("valid")))).url, order_url);
}

TEST(OrderMachine, AnAnswerOfAnyShapeIsNoMoreThanADelay) {
  for (const char* body : {"", "[]", "{", "{\"status\":7}", "null"}) {
    OrderMachine machine(spec());
    (void)machine.start();
    EXPECT_EQ(only<Wait>(machine.on(reply(200, body))).time, 1s) << body;
  }
}

}  // namespace
}  // namespace gatehouse::acme
