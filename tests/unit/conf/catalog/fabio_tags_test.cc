#include "conf/catalog/fabio_tags.h"

#include <gtest/gtest.h>

#include "conf/catalog/fabio_weights.h"
#include "tests/unit/conf/catalog/foreign.h"

namespace gatehouse::catalog {
namespace {

ForeignTags read(const Texts& tags, const std::vector<conf::Listen>& listen = {}) {
  return fabio_tags(instance_with(tags), {listen});
}

TEST(FabioTags, ARouteIsHostAndPath) {
  struct Case {
    const char *tag, *route;
  };
  for (const Case& c :
       {Case{"urlprefix-shop.example/", "shop.example/"}, Case{"urlprefix-Shop.Example/A", "shop.example/A"},
        Case{"  urlprefix- shop.example/x  ", "shop.example/x"}, Case{"urlprefix-/any", "/any"},
        Case{"urlprefix-shop.example", "shop.example/"}, Case{"urlprefix-*/", "/"},
        Case{"urlprefix-*.shop.example/", "**.shop.example/"},
        Case{"urlprefix-shop.example:8443/x", "shop.example:8443/x"},
        Case{"urlprefix-${DC}.shop.example/$DC", "dc1.shop.example/dc1"}}) {
    const ForeignTags out = read({c.tag});
    EXPECT_EQ(values(out, "route"), (Texts{c.route})) << c.tag;
    EXPECT_FALSE(out.verdicts.at(0).told) << c.tag;
  }
}

TEST(FabioTags, OtherTagsAreNotFabios) {
  const ForeignTags out = read({"urlprefix", "gatehouse.route=a.example", "primary", "traefik.enable=true"});
  EXPECT_TRUE(out.layer.settings.empty());
  EXPECT_TRUE(out.verdicts.empty());
}

TEST(FabioTags, AHostAloneIsExactAndAPathIsNearly) {
  const ForeignTags out = read({"urlprefix-shop.example/", "urlprefix-shop.example/media"});
  EXPECT_EQ(out.verdicts[0].fit, Fit::exact);
  EXPECT_EQ(out.verdicts[0].native, (Texts{"route=shop.example/"}));
  EXPECT_EQ(out.verdicts[1].fit, Fit::approximate);
  EXPECT_EQ(out.verdicts[1].why, "a path ends at a segment: fabio would take /mediax too");
}

TEST(FabioTags, OptionsBecomeOurs) {
  struct Case {
    const char *options, *route;
  };
  for (const Case& c :
       {Case{"strip=/m", "strip=/m"}, Case{"prepend=/v1", "prepend=/v1"}, Case{"strip=/", ""},
        Case{"strip=/m prepend=/v1", "strip=/m prepend=/v1"},
        Case{"redirect=301,https://www.example$path", "redirect=301,https://www.example$path"},
        Case{"redirect=302,https://www.example/$path", "redirect=302,https://www.example$path"},
        Case{"redirect=302,https://$host/$path", "http=redirect"},
        Case{"redirect=301,https://a.example$path", "http=redirect"},
        Case{"redirect=301,https://a.example:8443$path", "redirect=301,https://a.example:8443$path"},
        Case{"allow=ip:10.0.0.0/8,ip:192.0.2.7", "allow=10.0.0.0/8,192.0.2.7"},
        Case{"deny=ip:2001:db8::/32", "deny=2001:db8::/32"}, Case{"auth=staff", "auth=basic:staff"}}) {
    const ForeignTags out = read({"urlprefix-a.example/ " + std::string(c.options)});
    const std::string options = c.options[0] == '\0' || c.route[0] == '\0' ? "" : " " + std::string(c.route);
    EXPECT_EQ(values(out, "route"), (Texts{"a.example/" + options})) << c.options;
    EXPECT_EQ(out.layer.settings.at("route")[0].refused, "") << c.options;
  }
}

TEST(FabioTags, WhatRestrictsAndCannotBeKeptRefusesItsRoute) {
  for (const char* options : {"allow=geo:de", "allow=ip:10.0.0.0/99", "deny=10.0.0.0/8", "redirect=301", "strip=m",
                              "proto=ftp", "redirect=304,https://a.example"}) {
    const ForeignTags out = read({"urlprefix-a.example/x " + std::string(options)});
    EXPECT_EQ(values(out, "route"), (Texts{"a.example/x"})) << options;
    EXPECT_NE(out.layer.settings.at("route")[0].refused, "") << options;
    EXPECT_EQ(out.verdicts[0].fit, Fit::unmapped);
    EXPECT_EQ(out.verdicts[0].told, conf::Severity::error);
  }
}

TEST(FabioTags, ARestrictedPathIsToldThatItEndsAtASegment) {
  EXPECT_EQ(read({"urlprefix-a.example/admin allow=ip:10.0.0.0/8"}).verdicts[0].told, conf::Severity::warning);
  EXPECT_FALSE(read({"urlprefix-a.example/admin/ allow=ip:10.0.0.0/8"}).verdicts[0].told);
  EXPECT_FALSE(read({"urlprefix-a.example/ allow=ip:10.0.0.0/8"}).verdicts[0].told);
}

TEST(FabioTags, ASourceThatCannotBeSaidIsLeftOutAndTold) {
  for (const char* tag : {"urlprefix-", "urlprefix-sh*p.example/", "urlprefix-$HOME.example/", "urlprefix-$DCX/",
                          "urlprefix-a..example/", "urlprefix-a.example/x?y", "urlprefix-a.example:0/"}) {
    const ForeignTags out = read({tag});
    EXPECT_TRUE(out.layer.settings.empty()) << tag;
    EXPECT_EQ(out.verdicts.at(0).fit, Fit::unmapped) << tag;
    EXPECT_EQ(out.verdicts[0].told, conf::Severity::error) << tag;
  }
}

TEST(FabioTags, TheProtocolIsTheServices) {
  EXPECT_EQ(values(read({"urlprefix-a.example/ proto=https"}), "protocol"), (Texts{"https"}));
  EXPECT_EQ(values(read({"urlprefix-/ proto=grpc"}), "protocol"), (Texts{"h2c"}));
  EXPECT_EQ(values(read({"urlprefix-a.example/"}), "protocol"), Texts{});
  const ForeignTags both = read({"urlprefix-a.example/ proto=https", "urlprefix-b.example/"});
  EXPECT_EQ(values(both, "protocol"), (Texts{"https"}));
  EXPECT_EQ(both.layer.settings.at("route")[0].refused, "");
  EXPECT_EQ(both.layer.settings.at("route")[1].refused, "a service has one protocol, and a.example/ says https");
  const ForeignTags redirect =
      read({"urlprefix-a.example/ proto=https", "urlprefix-b.example/ redirect=301,https://a.example"});
  EXPECT_EQ(redirect.layer.settings.at("route")[1].refused, "") << "no endpoint is asked";
}

TEST(FabioTags, TheHostSentIsTheServices) {
  EXPECT_EQ(values(read({"urlprefix-a.example/ host=in.example"}), "host"), (Texts{"in.example"}));
  const ForeignTags differ = read({"urlprefix-a.example/ host=in.example", "urlprefix-b.example/"});
  EXPECT_EQ(values(differ, "host"), Texts{});
  EXPECT_EQ(differ.verdicts[0].told, conf::Severity::warning);
  EXPECT_EQ(values(read({"urlprefix-a.example/ host=dst"}), "host"), Texts{});
}

TEST(FabioTags, NothingWeakensVerification) {
  const ForeignTags out = read({"urlprefix-a.example/ proto=https tlsskipverify=true grpcservername=b.example"});
  EXPECT_EQ(out.layer.settings.size(), 2u);
  EXPECT_EQ(out.verdicts[0].told, conf::Severity::warning);
  EXPECT_NE(out.verdicts[0].why.find("only gatehouse.yaml may weaken verification"), std::string::npos);
}

TEST(FabioTags, AnUnknownOptionIsTold) {
  for (const char* option : {"register=alias", "strpi=/x", "matcher", "pxyproto=true"}) {
    const ForeignTags out = read({"urlprefix-a.example/ " + std::string(option)});
    EXPECT_EQ(values(out, "route"), (Texts{"a.example/"})) << option;
    EXPECT_EQ(out.verdicts[0].told, conf::Severity::warning) << option;
  }
}

TEST(FabioTags, TcpIsAnAddress) {
  EXPECT_EQ(values(read({"urlprefix-:3306 proto=tcp"}), "tcp"), (Texts{"[::]:3306"}));
  EXPECT_EQ(values(read({"urlprefix-10.0.0.1:3306 proto=tcp"}), "tcp"), (Texts{"10.0.0.1:3306"}));
  const ForeignTags out = read({"urlprefix-:3306 proto=tcp pxyproto=true allow=ip:10.0.0.0/8"});
  EXPECT_EQ(values(out, "send_proxy"), (Texts{"v1"}));
  EXPECT_EQ(values(out, "allow"), (Texts{"10.0.0.0/8"}));
  EXPECT_EQ(values(out, "route"), Texts{});
  EXPECT_TRUE(read({"urlprefix-:3306 proto=tcp allow=geo:de"}).layer.settings.empty())
      << "not without its restriction";
}

TEST(FabioTags, TlsPassesThroughWhereTlsComesIn) {
  std::vector<conf::Listen> listen(2);
  listen[1].tls = true;
  listen[1].address = *SocketAddress::parse("[::]:8443");
  EXPECT_EQ(values(read({"urlprefix-Mail.example/ proto=tcp"}, listen), "tcp"),
            (Texts{"[::]:8443 sni=mail.example"}));
  EXPECT_EQ(read({"urlprefix-mail.example/ proto=tcp"}).verdicts[0].told, conf::Severity::error);
  EXPECT_EQ(read({"urlprefix-*.example/ proto=tcp"}, listen).verdicts[0].told, conf::Severity::error);
  EXPECT_EQ(read({"urlprefix-10.0.0.1/ proto=tcp"}, listen).verdicts[0].told, conf::Severity::error)
      << "SNI has no addresses";
}

std::map<std::size_t, unsigned> weights(const std::vector<Texts>& tags) {
  std::vector<conf::Instance> instances;
  for (const Texts& of_one : tags) instances.push_back(instance_with(of_one));
  return fabio_weights(instances);
}

TEST(FabioWeights, AShareIsOfTheRouteAndTheOthersShareTheRest) {
  using Weights = std::map<std::size_t, unsigned>;
  EXPECT_EQ(weights({{"urlprefix-a/"}, {"urlprefix-a/"}}), Weights{});
  EXPECT_EQ(weights({{"urlprefix-a/ weight=0.2"}, {"urlprefix-a/"}, {"urlprefix-a/"}, {"urlprefix-b/"}}),
            (Weights{{0, 2000}, {1, 4000}, {2, 4000}}));
  EXPECT_EQ(weights({{"urlprefix-a/ weight=3"}, {"urlprefix-a/ weight=1"}, {"urlprefix-a/"}}),
            (Weights{{0, 7500}, {1, 2500}, {2, 1}}));
  EXPECT_EQ(weights({{"urlprefix-a/ weight=0.1"}, {"urlprefix-a/ weight=0.1"}}), (Weights{{0, 5000}, {1, 5000}}));
  EXPECT_EQ(weights({{"urlprefix-a/ weight=x"}, {"urlprefix-a/ weight=-1"}, {"urlprefix-a/ weight=nan"}}), Weights{});
}

}  // namespace
}  // namespace gatehouse::catalog
