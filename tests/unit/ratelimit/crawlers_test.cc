#include "ratelimit/crawlers.h"

#include <gtest/gtest.h>

#include "ratelimit/crawler_table.h"
#include "tests/unit/conf/reading_text.h"

namespace gatehouse::ratelimit {
namespace {

const std::vector<std::string> two{"googlebot", "bingbot"};

TEST(Crawlers, AreKnownByWhatTheyCallThemselves) {
  const auto name = [](std::string_view agent) {
    const Crawler* found = claimed_crawler(agent, two);
    return found != nullptr ? found->name : std::string_view();
  };
  EXPECT_EQ(name("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), "googlebot");
  EXPECT_EQ(name("mozilla/5.0 (compatible; BINGBOT/2.0)"), "bingbot");
  EXPECT_EQ(name("Mozilla/5.0 (compatible; YandexBot/3.0)"), "") << "is not asked for";
  EXPECT_EQ(name("curl/8"), "");
  EXPECT_EQ(name(""), "");
}

TEST(Crawlers, AreProvedByTheirDomainsAtALabel) {
  const Crawler& google = *claimed_crawler("Googlebot", two);
  EXPECT_TRUE(is_of(google, "crawl-66-249-66-1.googlebot.com"));
  for (const char* other : {"googlebot.com", "evilgooglebot.com", "googlebot.com.evil.test", ""})
    EXPECT_FALSE(is_of(google, other)) << other;
}

TEST(Crawlers, AreThoseThatTheConfigurationTakes) {
  const auto findings = [](const std::string& name) {
    return conf::read_text("guard: { crawlers: [" + name + "] }\n").findings;
  };
  for (const Crawler& each : known_crawlers()) EXPECT_TRUE(findings(std::string(each.name)).empty()) << each.name;
  const auto refused = findings("altavista");
  ASSERT_EQ(refused.size(), 1u);
  for (const Crawler& each : known_crawlers())
    EXPECT_NE(refused[0].text().find(each.name), std::string::npos) << refused[0].text();
}

TEST(CrawlerTable, OneOfThoseWhoAskAtOnceDoes) {
  CrawlerTable table;
  EXPECT_EQ(table.find(42, 1000), CrawlerState::unknown);
  EXPECT_TRUE(table.ask(42, 1000));
  EXPECT_FALSE(table.ask(42, 1000));
  EXPECT_EQ(table.find(42, 1000), CrawlerState::asked);
  EXPECT_TRUE(table.ask(42, 1000 + 16'000)) << "nobody answered";
}

TEST(CrawlerTable, WhatIsKnownHoldsForItsTime) {
  constexpr std::uint64_t hour = 3'600'000;
  CrawlerTable table;
  table.put(1, CrawlerState::proved, 0);
  table.put(1ull << 40, CrawlerState::refuted, 0);
  EXPECT_EQ(table.find(1, 23 * hour), CrawlerState::proved);
  EXPECT_EQ(table.find(1, 25 * hour), CrawlerState::unknown);
  EXPECT_EQ(table.find(1ull << 40, hour / 2), CrawlerState::refuted);
  EXPECT_EQ(table.find(1ull << 40, 2 * hour), CrawlerState::unknown);
}

TEST(CrawlerTable, MoreThanThereIsRoomForEndTheSoonest) {
  CrawlerTable table;
  for (std::uint64_t i = 0; i < 5; ++i)
    table.put(i << 40 | 4, i == 2 ? CrawlerState::refuted : CrawlerState::proved, 1000);
  EXPECT_EQ(table.find(2ull << 40 | 4, 2000), CrawlerState::unknown);
  for (const std::uint64_t i : {0, 1, 3, 4}) EXPECT_EQ(table.find(i << 40 | 4, 2000), CrawlerState::proved) << i;
}

}  // namespace
}  // namespace gatehouse::ratelimit
