#include "ratelimit/import.h"

#include <gtest/gtest.h>

namespace gatehouse::ratelimit {
namespace {

using namespace std::chrono_literals;

Imported imported(const std::string& text) {
  return import_fail2ban(read_fail2ban_conf(text, "jail.local"), "jail.local");
}

std::vector<std::string> told(const Imported& from) {
  std::vector<std::string> out;
  for (const conf::Finding& each : from.findings) out.push_back(each.text());
  return out;
}

TEST(ImportJails, WhatIsCarried) {
  const Imported out = imported(
      "# ours\n"
      "[DEFAULT]\n"
      "ignoreip = 127.0.0.1/8 ::1, 192.0.2.7\n"
      "  198.51.100.0/24   ; the office\n"
      "bantime  = 1d12h\n"
      "findtime: 600\n"
      "bantime.increment = true\n"
      "bantime.multipliers = 1 2 4\n"
      "bantime.maxtime = 1 week\n"
      "bantime.rndtime = 5 minutes\n"
      "enabled = true\n"
      "[nginx-botsearch]\n"
      "maxretry = 2\n"
      "[login]\n"
      "filter = nginx-http-auth\n"
      "MaxRetry = 3\n"
      "bantime = -1\n");
  EXPECT_EQ(told(out), std::vector<std::string>{});
  EXPECT_EQ(out.carried, 2u);
  conf::Guard wanted;
  wanted.ignoreip = {*IpPrefix::parse("127.0.0.0/8"), *IpPrefix::parse("::1"), *IpPrefix::parse("192.0.2.7"),
                     *IpPrefix::parse("198.51.100.0/24")};
  std::sort(wanted.ignoreip.begin(), wanted.ignoreip.end());
  wanted.defaults.bantime = 36h;
  wanted.defaults.findtime = 10min;
  wanted.defaults.increment = true;
  wanted.defaults.multipliers = {1, 2, 4};
  wanted.defaults.maxtime = 7 * 24h;
  wanted.defaults.rndtime = 5min;
  conf::Jail& search = wanted.jails["nginx-botsearch"];
  search.preset = "nginx-botsearch", search.mode = conf::GuardMode::enforce, search.maxretry = 2;
  conf::Jail& login = wanted.jails["login"];
  login.preset = "nginx-http-auth", login.mode = conf::GuardMode::enforce, login.maxretry = 3;
  login.bantime = conf::Jail::forever;
  EXPECT_EQ(out.guard, wanted);
}

TEST(ImportJails, ReferencesAreFollowedWithinTheFile) {
  const Imported out = imported(
      "[DEFAULT]\nlong = 2h\nlonger = %(long)s\nfilter = %(__name__)s\n"
      "[recidive]\nenabled = true\nbantime = %(longer)s\n"
      "[apache-auth]\nenabled = true\nbantime = %(elsewhere)s\n"
      "[apache-nohome]\nenabled = true\nbantime = %(bantime)s\n");
  ASSERT_TRUE(out.guard.jails.contains("recidive"));
  EXPECT_EQ(out.guard.jails.at("recidive").bantime, 2h);
  EXPECT_EQ(out.refused, 2u) << "one names what is not there, one itself";
}

TEST(ImportJails, NothingIsDroppedInSilence) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"logpath = /var/log/x", "note: nginx-botsearch.logpath: no log is read here"},
      {"port = http,https",
       "warning: nginx-botsearch.port: a ban holds for all that the door serves, and for that alone"},
      {"bantime.formula = x",
       "warning: nginx-botsearch.bantime.formula: a program is not taken; write bantime.multipliers"},
      {"colour = red", "warning: nginx-botsearch.colour: is no option of a jail that is known; not carried"},
      {"ignoreself = false", "warning: nginx-botsearch.ignoreself: holds for all jails here: guard.ignoreself"},
      {"failregex = ^x",
       "nginx-botsearch.failregex: lines are not looked at; write a `filter` over fields of the request"},
      {"maxretry = 0", "nginx-botsearch.maxretry: 0: a number from 1 to 1000 is taken here"},
      {"findtime = soon", "nginx-botsearch.findtime: soon: a time up to 30d is taken here"},
      {"findtime = -1", "nginx-botsearch.findtime: -1: a time up to 30d is taken here"},
      {"filter = nginx-botsearch[mode=x]",
       "warning: nginx-botsearch.filter: nginx-botsearch[mode=x]: presets have no parameters"},
  };
  for (const auto& [option, words] : rows) {
    const Imported out = imported("[nginx-botsearch]\nenabled = true\n" + option + "\n");
    ASSERT_EQ(out.findings.size(), 1u) << option;
    EXPECT_EQ(out.findings[0].text(), "jail.local:3:1: " + words);
    EXPECT_EQ(out.refused, conf::has_error(out.findings) ? 1u : 0u) << option;
  }
}

TEST(ImportJails, JailsOfOtherProgramsAndThoseThatAreOffAreTold) {
  const Imported out =
      imported("[sshd]\nenabled = true\n[nginx-botsearch]\nmaxretry = 2\n[a b]\nenabled = 1\nfilter = apache-auth\n");
  EXPECT_EQ(out.carried, 0u);
  EXPECT_EQ(out.refused, 2u);
  EXPECT_EQ(out.off, 1u);
  EXPECT_TRUE(out.guard.jails.empty());
  ASSERT_EQ(out.findings.size(), 3u);
  EXPECT_NE(out.findings[0].text().find("sshd: there is no preset of this name"), std::string::npos);
}

TEST(ImportJails, NamesToIgnoreAreTold) {
  const Imported out = imported("[DEFAULT]\nignoreip = host.example file:/x 10.0.0.0/33 10.0.0.0/8\n");
  EXPECT_EQ(out.guard.ignoreip, std::vector<IpPrefix>{*IpPrefix::parse("10.0.0.0/8")});
  EXPECT_EQ(out.findings.size(), 3u);
}

TEST(Fail2banConf, WhatCanNotBeReadIsAnErrorWithItsLine) {
  const Fail2banConf out = read_fail2ban_conf("a = b\n[x]\n  on\nword\n[y\n= z\n", "f");
  std::vector<unsigned> lines;
  for (const conf::Finding& each : out.findings) lines.push_back(each.at.line);
  EXPECT_EQ(lines, (std::vector<unsigned>{1, 3, 4, 5, 6}));
}

TEST(Fail2banConf, CommentsAndEmptyLinesAreNothing) {
  const Fail2banConf out =
      read_fail2ban_conf("# a\n\n;b\n  # c\n \t\n\r ; d\n[x] ; e\na = b ; c\n ; d\n c\nd = e;f\r\n", "f");
  EXPECT_TRUE(out.findings.empty());
  ASSERT_EQ(out.sections.size(), 1u);
  EXPECT_EQ(out.sections[0].find("a")->value, "b\nc");
  EXPECT_EQ(out.sections[0].find("d")->value, "e;f");
}

TEST(Fail2banConf, OptionsHaveALimit) {
  std::string text = "[x]\n";
  for (std::size_t i = 0; i < fail2ban_options_max; ++i) text += "a = b\n";
  EXPECT_TRUE(read_fail2ban_conf(text, "f").findings.empty());
  EXPECT_EQ(read_fail2ban_conf(text + "a = b\n", "f").findings.size(), 1u);
}

TEST(Fail2banConf, ReferencesThatGrowStop) {
  std::string text = "[x]\na0 = 0123456789\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "%(a" + std::to_string(i - 1) + ")s";
    text += "a" + std::to_string(i) + " = " + before + before + before + before + "\n";
  }
  const Fail2banConf out = read_fail2ban_conf(text, "f");
  EXPECT_TRUE(out.expand("%(a3)s", out.sections[0]));
  EXPECT_FALSE(out.expand("%(a20)s", out.sections[0]));
}

}  // namespace
}  // namespace gatehouse::ratelimit
