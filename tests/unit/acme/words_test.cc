// What a CA says, read: problems, times, directories, windows, URLs; what we keep and say.
#include <gtest/gtest.h>

#include "acme/ari.h"
#include "acme/directory.h"
#include "acme/dns_look_io.h"
#include "acme/nonce_pool.h"
#include "acme/problem.h"
#include "acme/record.h"
#include "acme/retry_after.h"
#include "acme/url.h"
#include "acme/wanted.h"
#include "net/challenge_board.h"
#include "net/encoding.h"

namespace gatehouse::acme {
namespace {

const WallTime now = *read_http_date("Sun, 06 Nov 1994 08:49:37 GMT");

TEST(Problem, IsToldInWordsWithItsParts) {
  const Problem problem = read_problem(
      400, R"({"type":"urn:ietf:params:acme:error:compound","detail":"Some were refused","instance":"https://x/1",)"
           R"("subproblems":[{"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids it","identifier":)"
           R"({"type":"dns","value":"a.test"}}]})");
  EXPECT_EQ(problem.text(), "Some were refused (compound); a.test: CAA forbids it (caa); see https://x/1");
  EXPECT_EQ(problem.fault(), Fault::permanent);
  EXPECT_EQ(read_problem(502, "<html>").text(), "the CA answered 502");
  EXPECT_EQ(trouble("no answer").text(), "no answer");
}

TEST(Problem, ItsTypeSaysWhatToDo) {
  const std::pair<const char*, Fault> rows[] = {{"badNonce", Fault::nonce},
                                                {"rateLimited", Fault::limited},
                                                {"serverInternal", Fault::passing},
                                                {"connection", Fault::validation},
                                                {"unauthorized", Fault::validation},
                                                {"orderNotReady", Fault::not_ready},
                                                {"accountDoesNotExist", Fault::account},
                                                {"rejectedIdentifier", Fault::permanent},
                                                {"badCSR", Fault::permanent},
                                                {"userActionRequired", Fault::permanent},
                                                {"caa", Fault::permanent}};
  for (const auto& [type, fault] : rows)
    EXPECT_EQ(read_problem(400, R"({"type":"urn:ietf:params:acme:error:)" + std::string(type) + "\"}").fault(), fault)
        << type;
  EXPECT_EQ(read_problem(503, "").fault(), Fault::limited);
  EXPECT_EQ(read_problem(500, "").fault(), Fault::passing);
  EXPECT_EQ(read_problem(404, "").fault(), Fault::permanent);
  EXPECT_EQ(trouble("x").fault(), Fault::passing);
}

TEST(Problem, LongTextsAndManyPartsAreCut) {
  std::string body = R"({"detail":")" + std::string(Problem::text_most + 1, 'x') + R"(","subproblems":[{})";
  for (std::size_t i = 0; i < Problem::parts_most; ++i) body += ",{}";
  const Problem problem = read_problem(400, body + "]}");
  EXPECT_EQ(problem.detail.size(), Problem::text_most);
  EXPECT_EQ(problem.parts.size(), Problem::parts_most);
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(read_retry_after("120", now), 120s);
  EXPECT_EQ(read_retry_after(" 7 ", now), 7s);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), 60s);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now), 0s) << "past";
  EXPECT_EQ(read_retry_after("99999999999999999999", now), later_most);
  for (const char* bad : {"", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:50:37 CET"})
    EXPECT_EQ(read_retry_after(bad, now), std::nullopt) << bad;
}

TEST(RetryAfter, APollWaitsAsToldWithinReasonElseLongerEachTime) {
  EXPECT_EQ(poll_delay(0s, 0), 1s);
  EXPECT_EQ(poll_delay(std::chrono::hours(1), 0), 60s);
  EXPECT_EQ(poll_delay(std::nullopt, 0), 1s);
  EXPECT_EQ(poll_delay(std::nullopt, 2), 4s);
  EXPECT_EQ(poll_delay(std::nullopt, 50), 8s);
}

TEST(Directory, NeedsItsThreePlacesOverHttpsAndNothingElse) {
  const std::string three = R"("newNonce":"https://c/n","newAccount":"https://c/a","newOrder":"https://c/o")";
  const auto least = read_directory("{" + three + R"(,"meta":null,"keyChange":null})");
  ASSERT_TRUE(least) << least.error().what;
  EXPECT_EQ(least->new_order, "https://c/o");
  EXPECT_TRUE(least->renewal_info.empty());
  const auto more = read_directory("{" + three +
                                   R"(,"renewalInfo":"https://c/i","meta":{"termsOfService":"https://t",)"
                                   R"("externalAccountRequired":true,"profiles":{"short":"6 days"}}})");
  EXPECT_TRUE(more->needs_binding);
  EXPECT_EQ(more->profiles.at("short"), "6 days");
  EXPECT_FALSE(read_directory("{" + three + R"(,"renewalInfo":"http://c/i"})"));
  EXPECT_FALSE(read_directory(R"({"newNonce":"https://c/n","newAccount":"https://c/a"})"));
  for (const char* bad : {"", "[]", "<html>", "null"}) EXPECT_FALSE(read_directory(bad)) << bad;
}

TEST(NoncePool, GivesTheFreshestAndNoneThatIsOldOrBeyondItsSize) {
  NoncePool pool;
  const TimePoint at{};
  EXPECT_EQ(pool.take(at), "");
  for (std::size_t i = 0; i <= NoncePool::nonces_most; ++i) pool.put("n" + std::to_string(i), at);
  EXPECT_EQ(pool.size(), NoncePool::nonces_most);
  EXPECT_EQ(pool.take(at), "n" + std::to_string(NoncePool::nonces_most));
  EXPECT_EQ(pool.take(at + NoncePool::age_most + 1ms), "");
  for (const char* bad : {"", "a b", "a\"b", "a\nb"}) pool.put(bad, at);
  pool.put(std::string(NoncePool::bytes_most + 1, 'a'), at);
  EXPECT_EQ(pool.size(), 0u);
}

TEST(RenewalWindow, IsReadAndJudged) {
  const WallTime end = *read_rfc3339("2026-03-01T00:00:00Z");
  const auto window =
      read_renewal_info(R"({"suggestedWindow":{"start":"2026-01-01T00:00:00.5Z","end":"2026-01-03T02:00:00+02:00"},)"
                        R"("explanationURL":"https://x"})",
                        end);
  ASSERT_TRUE(window);
  EXPECT_EQ(window->end - window->start, std::chrono::hours(48));
  EXPECT_EQ(point_in(*window, 0.5, {}), window->start + std::chrono::hours(24));
  EXPECT_EQ(point_in(*window, 0, end), end) << "what is past is now";
  const std::string from = R"({"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":")";
  for (const char* bad : {"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-03-01T00:00:01Z", "soon"})
    EXPECT_FALSE(read_renewal_info(from + bad + "\"}}", end)) << bad;
  for (const char* bad : {"", "{}", "[]", R"({"suggestedWindow":7})"})
    EXPECT_FALSE(read_renewal_info(bad, end)) << bad;
}

TEST(Url, OfACaIsHttpsWithAPlaceAndATarget) {
  const auto url = read_url("https://ca.test:14000/acme/x?y=1#z");
  EXPECT_EQ(url->place.host, "ca.test");
  EXPECT_EQ(url->place.port, 14000);
  EXPECT_EQ(url->target, "/acme/x?y=1");
  EXPECT_EQ(read_url("https://ca.test")->target, "/");
  EXPECT_EQ(read_url("https://[::1]/a")->place.host, "::1");
  for (const char* bad : {"", "http://ca.test/", "https://", "https:///x", "https://u@ca.test/", "https://a b/"})
    EXPECT_FALSE(read_url(bad)) << bad;
  EXPECT_TRUE(read_url("https://a/" + std::string(Url::bytes_most - 10, 'x')));
  EXPECT_FALSE(read_url("https://a/" + std::string(Url::bytes_most - 9, 'x')));
}

TEST(Record, ComesBackAsItWasWritten) {
  Record record;
  record.order_url = "https://ca/o/1";
  record.failures = 2;
  record.next_try = WallTime(std::chrono::milliseconds(1'700'000'000'123));
  record.ca = "https://ca/dir";
  record.chain = "Root Two";
  record.key = KeyKind::rsa2048;
  record.window = RenewalWindow{record.next_try, record.next_try + 1h, "https://why"};
  for (std::size_t i = 0; i <= Record::attempts_most; ++i)
    record.note({record.next_try, "ca", std::to_string(i), false});
  EXPECT_EQ(record.attempts.size(), Record::attempts_most);
  EXPECT_EQ(record.attempts.front().what, "1") << "the oldest went";
  EXPECT_EQ(read_record(to_json(record)), record);
  EXPECT_EQ(read_record("nonsense"), Record());
  EXPECT_EQ(read_record(R"({"failures":-4,"key":99,"next_try":-1})").failures, 0u);
}

TEST(WantedNames, AreThoseOfRoutesWithinPermitThatNoPairOfFilesCovers) {
  conf::Acme acme;
  acme.permit = {"*.a.test", "b.test"};
  const auto wanted =
      wanted_names({"x.a.test", "y.a.test", "x.y.a.test", "b.test", "c.test", "*.a.test", "192.0.2.1"}, acme,
                   [](const std::string& host) { return host == "y.a.test"; });
  EXPECT_EQ(wanted.names, (std::set<std::string>{"b.test", "x.a.test"}));
  ASSERT_EQ(wanted.refused.size(), 1u);
  EXPECT_NE(wanted.refused.at("*.a.test").find("dns-01"), std::string::npos);
}

TEST(WantedNames, MoreThanThereMayBeAreTold) {
  conf::Acme acme;
  acme.permit = {"**.test"};
  std::set<std::string> hosts;
  for (std::size_t i = 0; i <= Wanted::wanted_most; ++i) hosts.insert("h" + std::to_string(i) + ".test");
  const auto wanted = wanted_names(hosts, acme, [](const auto&) { return false; });
  EXPECT_EQ(wanted.names.size(), Wanted::wanted_most);
  EXPECT_EQ(wanted.refused.size(), 1u);
}

TEST(ChallengeBoard, KnowsTokensThatAreOpenAndNoOthers) {
  ChallengeBoard board;
  EXPECT_EQ(board.find_http("/.well-known/acme-challenge/t"), nullptr);
  board.http["t"] = "t.key";
  EXPECT_EQ(*board.find_http("/.well-known/acme-challenge/t"), "t.key");
  for (const char* other : {"/.well-known/acme-challenge/", "/.well-known/acme-challenge/t/", "/t", "/x/t",
                            "/.well-known/acme-challenge/tt", "/.well-known/acme-challenge/"})
    EXPECT_EQ(board.find_http(other), nullptr) << other;
}

TEST(Base64Url, IsReadWithAndWithoutPadding) {
  EXPECT_EQ(base64url_decoded("Zm9vYg"), "foob");
  EXPECT_EQ(base64url_decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(base64url_decoded("-_8"), "\xfb\xff");
  EXPECT_EQ(base64url_decoded(""), "");
  for (const char* bad : {"a", "ab+c", "a b",
                          "Zm9v="
                          "x"})
    EXPECT_FALSE(base64url_decoded(bad)) << bad;
}

TEST(WantedNames, HostsOfAShapeAreCoveredByTheirParentsWildcard) {
  conf::Acme acme;
  acme.permit = {"**.a.test"};
  acme.wildcards = {"*.*.a.test"};
  acme.dns = {{.zone = "a.test"}};
  const auto wanted = wanted_names({"x.eu.a.test", "y.eu.a.test", "www.a.test", "*.us.a.test", "z.us.a.test"}, acme,
                                   [](const auto&) { return false; });
  EXPECT_EQ(wanted.names, (std::set<std::string>{"*.eu.a.test", "*.us.a.test", "www.a.test"}));
  EXPECT_TRUE(wanted.refused.empty());
}

TEST(DnsZones, NamesOfAliasesArePlain) {
  for (const char* name : {"_acme-challenge.a.test", "x-1.a.test"}) EXPECT_TRUE(is_plain_name(name)) << name;
  for (const char* name : {"", "a/b.a.test", "a\\.b.a.test", "a b", "a\n", "A.test", "\"a"})
    EXPECT_FALSE(is_plain_name(name)) << name;
}

TEST(DnsZones, TheLongestThatHoldsANameCounts) {
  const std::vector<conf::DnsZone> zones{{.zone = "a.test"}, {.zone = "eu.a.test"}};
  EXPECT_EQ(zone_of(zones, "_acme-challenge.x.eu.a.test"), &zones[1]);
  EXPECT_EQ(zone_of(zones, "a.test"), &zones[0]);
  EXPECT_EQ(zone_of(zones, "ba.test"), nullptr);
}

}  // namespace
}  // namespace gatehouse::acme
