#include "tunnel/import.h"

#include <gtest/gtest.h>

namespace gatehouse::tunnel {
namespace {

Imported imported(const std::string& text) {
  return import_stunnel(read_stunnel_conf(text, "x.conf"), "x.conf",
                        [](const std::string& file) -> Result<std::vector<std::string>> {
                          if (file == "missing") return invalid("missing: No such file or directory");
                          return std::vector<std::string>{"one", "two"};
                        });
}

std::vector<std::string> errors(const Imported& of) {
  std::vector<std::string> out;
  for (const conf::Finding& each : of.findings)
    if (each.severity == conf::Severity::error) out.push_back(each.text());
  return out;
}

TEST(StunnelImport, AServerIsAnExitOfOneServiceForAllItsKeys) {
  const Imported it = imported(
      "\xEF\xBB\xBF; comment\n# another\nforeground = yes\n[Robotoff]\naccept = :::16000\nconnect = 5432\n"
      "ciphers = PSK\nPSKsecrets = /k\nprotocol = proxy\nTIMEOUTidle = 3600");
  EXPECT_EQ(errors(it), std::vector<std::string>{});
  ASSERT_EQ(it.tunnel.accept.size(), 1u);
  const conf::TunnelAccept& accept = it.tunnel.accept[0];
  EXPECT_EQ(accept.address.text(), "[::]:16000");
  EXPECT_EQ(accept.service, "robotoff");
  EXPECT_EQ(accept.secrets.file, "/k");
  ASSERT_EQ(accept.allow.size(), 2u);
  EXPECT_EQ(accept.allow[1], (conf::TunnelAllow{"two", {"robotoff"}, {}, 0}));
  const conf::TunnelOffer& offer = it.tunnel.offer.at("robotoff");
  EXPECT_EQ(offer.to, std::vector<Place>{*Place::parse("127.0.0.1:5432")});
  EXPECT_EQ(offer.send_proxy, conf::SendProxy::v1);
  EXPECT_EQ(offer.idle_timeout, Millis(3'600'000));
}

TEST(StunnelImport, AClientIsAnEntryAndSectionsOfOneNameAreTwo) {
  const Imported it = imported(
      "PSKsecrets = /k\n[db]\nclient = yes\naccept = 127.0.0.1:1\nconnect = 2a06:c484:5::102:16001\nPSKidentity = "
      "me\n"
      "[db]\nCLIENT=yes\naccept=/run/"
      "db.sock\nconnect=a.example:1\nconnect=b.example:2\nfailover=prio\nsslVersion=TLSv1.2\n");
  EXPECT_EQ(errors(it), std::vector<std::string>{});
  ASSERT_EQ(it.tunnel.connect.size(), 2u);
  EXPECT_EQ(it.tunnel.connect[0].to[0].address.text(), "[2a06:c484:5::102]:16001");
  EXPECT_EQ(it.tunnel.connect[0].to[0].identity, "me");
  EXPECT_EQ(it.tunnel.connect[0].idle_timeout, Millis(12h));
  EXPECT_EQ(it.tunnel.connect[1].name, "db-2");
  EXPECT_EQ(it.tunnel.connect[1].listen.text(), "unix:/run/db.sock");
  EXPECT_EQ(it.tunnel.connect[1].to.size(), 2u);
  EXPECT_EQ(it.tunnel.connect[1].balance, conf::TunnelBalance::first);
  EXPECT_EQ(it.tunnel.connect[1].tls, conf::TunnelTls::v12);
}

TEST(StunnelImport, NothingIsSilentlyDropped) {
  const std::string good = "[db]\naccept = 1\nconnect = 2\nPSKsecrets = /k\n";
  for (const char* option :
       {"ciphers = PSK", "TIMEOUTbusy = 300", "socket = l:TCP_NODELAY=1", "debug = 7", "pid = /x",
        "setuid = stunnel4", "options = NO_SSLv3", "curves = P-256", "delay = yes"}) {
    const Imported it = imported(good + option + "\n");
    EXPECT_TRUE(errors(it).empty()) << option;
    const bool told =
        std::any_of(it.findings.begin(), it.findings.end(), [](const auto& each) { return each.at.line == 5; });
    EXPECT_TRUE(told) << option;
  }
  for (const char* option :
       {"cert = /c", "verifyChain = yes", "exec = /bin/x", "protocol = smtp", "transparent = source", "sni = db:x",
        "libwrap = yes", "nonsense = 1", "sslVersion = TLSv1", "TIMEOUTidle = soon"}) {
    const Imported it = imported(good + option + "\n");
    ASSERT_EQ(errors(it).size(), 1u) << option;
    EXPECT_TRUE(errors(it)[0].starts_with("x.conf:5:1: db: not carried: ")) << errors(it)[0];
    EXPECT_TRUE(it.tunnel.empty()) << option;
    EXPECT_EQ(it.refused, 1u);
  }
}

TEST(StunnelImport, WhatCanNotBeCarriedIsRefusedWithItsLine) {
  EXPECT_EQ(errors(imported("[db]\naccept = 1\nconnect = 2\n")).size(), 1u);  // no PSKsecrets
  EXPECT_EQ(errors(imported("[db]\naccept = 1\nconnect = 2\nPSKsecrets = missing\n"))[0],
            "x.conf:4:1: db: not carried: PSKsecrets = missing: No such file or directory");
  EXPECT_EQ(
      errors(imported("[db]\nclient = yes\naccept = 1\nconnect = h:2\nPSKsecrets = /k\n"))[0],
      "x.conf:3:1: db: not carried: accept = 1: the plain side would be open to every network; write 127.0.0.1 or a "
      "private address");
  EXPECT_EQ(errors(imported("accept = 1\n"))[0], "x.conf:1:1: no [section]: inetd mode is not carried");
  EXPECT_EQ(errors(imported("[x\nnonsense\n")).size(), 3u);
  const Imported half = imported("[a]\naccept = 1\nconnect = 2\nPSKsecrets = /k\n[b]\naccept = 1\nexec = x\n");
  EXPECT_EQ(half.carried, 1u);
  EXPECT_EQ(half.refused, 1u);
}

}  // namespace
}  // namespace gatehouse::tunnel
