#include "ratelimit/replay.h"

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

using namespace std::chrono_literals;

conf::Jail jail(const std::string& path, unsigned maxretry, conf::GuardMode mode = conf::GuardMode::enforce) {
  conf::Jail out;
  out.filter = {{"path", {path}}};
  out.maxretry = maxretry;
  out.mode = mode;
  return out;
}

struct Log {
  explicit Log(std::map<std::string, conf::Jail> jails, std::vector<IpPrefix> spared = {}) {
    conf::Guard guard;
    guard.bans = 1024;
    guard.jails = std::move(jails);
    replay = std::make_unique<Replay>(guard, std::move(spared));
  }
  void line(const std::string& client, const std::string& path, int at_s, int status = 404) {
    LoggedEvent event;
    event.client = *IpAddress::parse(client);
    event.wall_ms = 1'785'240'000'000 + at_s * 1000;
    event.method = "GET", event.host = "a.test", event.path = path, event.status = status;
    event.termination = termination;
    replay->take(event);
  }
  std::unique_ptr<Replay> replay;
  std::string termination = "ok";
};

TEST(Replay, TellsTheBanItsEvidenceAndWhatItWouldHaveRefused) {
  Log log({{"a", jail("/x", 2)}});
  log.line("192.0.2.1", "/x", 0);
  log.line("192.0.2.1", "/y", 1);
  log.line("192.0.2.1", "/x", 2);
  log.line("192.0.2.1", "/y", 3, 200);
  log.line("192.0.2.1", "/x", 4);
  log.line("192.0.2.2", "/x", 5);
  log.line("192.0.2.1", "/y", 700, 200);  // it is over
  ASSERT_EQ(log.replay->bans().size(), 1u);
  const ReplayedBan& ban = log.replay->bans()[0];
  EXPECT_EQ(ban.prefix.address.text(), "192.0.2.1");
  EXPECT_EQ(ban.jail, "a");
  EXPECT_TRUE(ban.enforced);
  EXPECT_EQ(ban.begin_ms, 1'785'240'002'000);
  EXPECT_EQ(ban.length_ms, 600'000);
  EXPECT_EQ(ban.refused, 2u);
  EXPECT_EQ(ban.refused_good, 1u);
  ASSERT_EQ(ban.evidence.size(), 2u);
  EXPECT_EQ(ban.evidence[1].request, "GET a.test/x");
  EXPECT_EQ(ban.evidence[1].wall_ms, 1'785'240'002'000);
}

TEST(Replay, WindowsAreTheLogsTime) {
  Log log({{"a", jail("/x", 2)}});
  log.line("192.0.2.1", "/x", 0);
  log.line("192.0.2.1", "/x", 601);
  EXPECT_TRUE(log.replay->bans().empty());
  log.line("192.0.2.1", "/x", 600);  // late in its log
  EXPECT_EQ(log.replay->bans().size(), 1u);
}

TEST(Replay, WhoObservesRefusesNobody) {
  Log log({{"a", jail("/x", 1, conf::GuardMode::observe)}});
  log.line("192.0.2.1", "/x", 0);
  log.line("192.0.2.1", "/y", 1);
  ASSERT_EQ(log.replay->bans().size(), 1u);
  EXPECT_FALSE(log.replay->bans()[0].enforced);
  EXPECT_EQ(log.replay->bans()[0].refused, 0u);
}

TEST(Replay, WhoIsNeverBannedIsNot) {
  Log log({{"a", jail("/x", 1)}}, {*IpPrefix::parse("192.0.2.0/24")});
  log.line("192.0.2.1", "/x", 0);
  EXPECT_TRUE(log.replay->bans().empty());
}

TEST(Replay, WhatWasRefusedAsBannedIsPassedOver) {
  Log log({{"a", jail("/x", 1)}});
  log.termination = "banned";
  log.line("192.0.2.1", "/x", 0, 403);
  EXPECT_TRUE(log.replay->bans().empty());
  EXPECT_EQ(log.replay->passed_over(), 1u);
}

TEST(Replay, TwoSetsOfRulesDifferByWhomTheyBan) {
  Log before({{"a", jail("/x", 1)}, {"seen", jail("/z", 1, conf::GuardMode::observe)}}),
      now({{"b", jail("~^/[yz]", 1)}});
  for (Log* log : {&before, &now}) {
    log->line("192.0.2.1", "/x", 0);
    log->line("192.0.2.2", "/y", 1);
    log->line("192.0.2.3", "/z", 2);
  }
  const auto gained = not_among(now.replay->bans(), before.replay->bans());
  const auto lost = not_among(before.replay->bans(), now.replay->bans());
  ASSERT_EQ(gained.size(), 2u);
  EXPECT_EQ(gained[0]->prefix.address.text(), "192.0.2.2");
  EXPECT_EQ(gained[1]->prefix.address.text(), "192.0.2.3") << "it was only observed";
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0]->prefix.address.text(), "192.0.2.1");
}

TEST(Replay, OfAnOffenderTheLastEventsAreKept) {
  Log log({{"a", jail("/x", Replay::evidence_max + 1)}});
  for (int i = 0; i <= static_cast<int>(Replay::evidence_max); ++i) log.line("192.0.2.1", "/x", i);
  ASSERT_EQ(log.replay->bans().size(), 1u);
  EXPECT_EQ(log.replay->bans()[0].evidence.size(), Replay::evidence_max);
  EXPECT_EQ(log.replay->bans()[0].evidence[0].wall_ms, 1'785'240'001'000);
}

}  // namespace
}  // namespace gatehouse::ratelimit
