#include "conf/tcp_claims.h"

#include <gtest/gtest.h>

#include "conf/tcp_value.h"

namespace gatehouse::conf {
namespace {

using Texts = std::vector<std::string>;

// Services and a gatehouse.yaml that lets tags open the addresses of 127.11.0.1.
struct Case {
  Case() {
    config.listen = {{.name = "http", .address = *SocketAddress::parse("[::]:80")},
                     {.name = "https", .address = *SocketAddress::parse("[::]:443"), .tls = true}};
    config.catalog.permit_listen = {"127.11.0.1:1024-65535"};
  }

  Case& add(const std::string& name, const Texts& values, const char* spelling = "native") {
    Service service{.name = name};
    for (const std::string& value : values) {
      TcpEntry entry = *parse_tcp(value);
      entry.spelling = spelling;
      entry.at = {{name + ".json", 2, 3}};
      service.tcp.push_back(std::move(entry));
    }
    services.push_back(std::move(service));
    return *this;
  }
  Case& add_route(const std::string& name, const std::string& host) {
    services.push_back({.name = name});
    Route route;
    route.match.host = host;
    services.back().routes.push_back(route);
    return *this;
  }
  Case& settle(const RoutingTable* previous = nullptr) {
    for (const Finding& finding : settle_tcp_claims(services, previous, config)) told.push_back(finding.text());
    return *this;
  }
  Texts kept(std::string_view name) const {
    Texts out;
    for (const Service& service : services)
      if (service.name == name)
        for (const TcpEntry& entry : service.tcp) out.push_back(entry.text());
    return out;
  }
  RoutingTable table() const {
    RoutingTable out;
    for (const Service& service : services) out.services.push_back(std::make_shared<const Service>(service));
    return out;
  }

  Config config;
  std::vector<Service> services;
  Texts told;
};

TEST(TcpClaims, TagsOpenWhatIsPermittedAndNothingElse) {
  Case of;
  of.add("db", {"127.11.0.1:3306", "127.11.0.1:443", "127.11.0.2:3306", "[::]:3307"}).settle();
  EXPECT_EQ(of.kept("db"), Texts{"127.11.0.1:3306"});
  EXPECT_EQ(of.told,
            (Texts{"db.json:2:3: db: gatehouse.tcp: 127.11.0.1:443: is the listener https; left out",
                   "db.json:2:3: db: gatehouse.tcp: 127.11.0.2:3306: catalog.permit.listen does not let tags "
                   "open this; left out",
                   "db.json:2:3: db: gatehouse.tcp: [::]:3307: catalog.permit.listen does not let tags open "
                   "this; left out"}));
}

TEST(TcpClaims, WithoutAPermitTagsOpenNothing) {
  Case of;
  of.config.catalog.permit_listen.clear();
  EXPECT_EQ(of.add("db", {"127.11.0.1:3306"}).settle().kept("db"), Texts{});
}

TEST(TcpClaims, TheFileIsFreeOfThePermitButNotOfItsOwnListeners) {
  Case of;
  of.add("db", {"10.0.0.1:3306", "127.0.0.1:80", "127.0.0.1:9901"}, "yaml").settle();
  EXPECT_EQ(of.kept("db"), Texts{"10.0.0.1:3306"});
  EXPECT_EQ(of.told, (Texts{"db.json:2:3: services.db.tcp: 127.0.0.1:80: is the listener http; left out",
                            "db.json:2:3: services.db.tcp: 127.0.0.1:9901: is the metrics address; left out"}));
}

TEST(TcpClaims, OfTwoThatClaimAnAddressTheFirstByNameHasItUntilThereIsAHolder) {
  Case first;
  first.add("bank", {"127.11.0.1:3306"}).add("shop", {"127.11.0.1:3306"}).settle();
  EXPECT_EQ(first.kept("bank").size(), 1u);
  EXPECT_EQ(first.told,
            Texts{"shop.json:2:3: shop: gatehouse.tcp: 127.11.0.1:3306: is bank's (bank.json:2): conflict; "
                  "left out"});
  const RoutingTable before = Case().add("shop", {"127.11.0.1:3306"}).settle().table();
  Case second;
  second.add("bank", {"127.11.0.1:3306"}).add("shop", {"127.11.0.1:3306"}).settle(&before);
  EXPECT_EQ(second.kept("shop").size(), 1u);
  EXPECT_EQ(second.kept("bank").size(), 0u);
}

TEST(TcpClaims, TheFileComesBeforeTheHolder) {
  const RoutingTable before = Case().add("shop", {"127.11.0.1:3306"}).settle().table();
  Case of;
  of.add("zoo", {"127.11.0.1:3306"}, "yaml").add("shop", {"127.11.0.1:3306"}).settle(&before);
  EXPECT_EQ(of.kept("zoo").size(), 1u);
  EXPECT_EQ(of.kept("shop").size(), 0u);
}

TEST(TcpClaims, AnAddressThatHoldsAnotherIsAConflict) {
  Case of;
  of.add("bank", {"[::]:3306"}, "yaml").add("shop", {"127.11.0.1:3306"}).settle();
  EXPECT_EQ(of.kept("shop").size(), 0u);
  EXPECT_EQ(of.told, Texts{"shop.json:2:3: shop: gatehouse.tcp: 127.11.0.1:3306: is bank's, at [::]:3306 "
                           "(bank.json:2): conflict; left out"});
}

TEST(TcpClaims, NamesShareAnAddressAndAreSharedByNobody) {
  Case of;
  of.add("imap", {"127.11.0.1:9993 sni=a.example", "127.11.0.1:9993 sni=*.example"});
  of.add("mail", {"127.11.0.1:9993 sni=b.example", "127.11.0.1:9993 sni=a.example"});
  of.add("rest", {"127.11.0.1:9993"}).settle();
  EXPECT_EQ(of.kept("imap").size(), 2u);
  EXPECT_EQ(of.kept("mail"), Texts{"127.11.0.1:9993 sni=b.example"});
  EXPECT_EQ(of.kept("rest"), Texts{}) << "all that comes is more than what is asked for by name";
}

TEST(TcpClaims, ANameAtATlsListenerSharesItAndNeedsNoPermitToListen) {
  Case of;
  of.add("mail", {"[::]:443 sni=mail.example", "[::]:80 sni=mail.example", "127.0.0.1:443 sni=x.example"}).settle();
  ASSERT_EQ(of.kept("mail"), Texts{"[::]:443 sni=mail.example"});
  EXPECT_TRUE(of.services[0].tcp[0].shared);
  EXPECT_TRUE(tcp_addresses(of.services).empty());
  EXPECT_EQ(of.told,
            (Texts{"mail.json:2:3: mail: gatehouse.tcp: [::]:80 sni=mail.example: is the listener http, which "
                   "speaks no TLS; left out",
                   "mail.json:2:3: mail: gatehouse.tcp: 127.0.0.1:443 sni=x.example: is a part of the "
                   "listener https; write [::]:443; left out"}));
}

TEST(TcpClaims, AListenerOfCertainServicesIsNotSharedWithOthers) {
  Case of;
  of.config.listen[1].only = {"mail"};
  of.add("mail", {"[::]:443 sni=mail.example"}).add("shop", {"[::]:443 sni=shop.example"}).settle();
  EXPECT_EQ(of.kept("mail").size(), 1u);
  EXPECT_EQ(of.told, Texts{"shop.json:2:3: shop: gatehouse.tcp: [::]:443 sni=shop.example: is the listener https, "
                           "which serves others only; left out"});
}

TEST(TcpClaims, TagsAskForPermittedNamesAlone) {
  Case of;
  of.config.catalog.permit_hosts = {"**.good.example"};
  of.add("mail", {"[::]:443 sni=mail.good.example", "[::]:443 sni=mail.bad.example"}).settle();
  EXPECT_EQ(of.kept("mail"), Texts{"[::]:443 sni=mail.good.example"});
}

TEST(TcpClaims, ATagTakesNoHostFromAnothersRoute) {
  for (const char* sni : {"learn.bank.example", "*.bank.example", "**.example"}) {
    Case of;
    of.add("evil", {std::string("[::]:443 sni=") + sni}).add_route("lms", "learn.bank.example").settle();
    EXPECT_EQ(of.kept("evil"), Texts{}) << sni;
  }
  Case own;
  own.add("lms", {"[::]:443 sni=learn.bank.example"});
  Route route;
  route.match.host = "learn.bank.example";
  own.services[0].routes.push_back(route);
  EXPECT_EQ(own.settle().kept("lms").size(), 1u) << "its own";
}

TEST(TcpClaims, TheFileMayTakeAHostFromARouteAndIsTold) {
  Case of;
  of.add("new", {"[::]:443 sni=a.example"}, "yaml").add_route("old", "a.example").settle();
  EXPECT_EQ(of.kept("new").size(), 1u);
  EXPECT_EQ(of.told, Texts{"new.json:2:3: warning: services.new.tcp: [::]:443 sni=a.example: passes on a.example, so "
                           "that TLS never reaches the route of old"});
}

TEST(TcpClaims, TheHeaderOfTagsComesFromTrustedProxiesAlone) {
  Case of;
  of.config.trusted_proxies = {*IpPrefix::parse("10.0.0.0/8")};
  of.add("db", {"127.11.0.1:3306 proxy_protocol=10.1.0.0/16", "127.11.0.1:3307 proxy_protocol=0.0.0.0/0"}).settle();
  EXPECT_EQ(of.kept("db"), Texts{"127.11.0.1:3306"});
}

TEST(TcpClaims, AtASharedListenerTheHeaderIsTheListenersToSay) {
  Case of;
  of.add("db", {"[::]:443 sni=db.example proxy_protocol=10.1.0.0/16"}, "yaml").settle();
  ASSERT_EQ(of.kept("db").size(), 1u);
  EXPECT_TRUE(of.services[0].tcp[0].proxy_protocol.empty());
  EXPECT_EQ(of.told, Texts{"db.json:2:3: warning: services.db.tcp: [::]:443 sni=db.example: proxy_protocol is the "
                           "listener's to say; ignored"});
}

TEST(TcpClaims, NoMoreAddressesAreOpenedThanMayBe) {
  Case of;
  Texts many;
  for (std::size_t i = 0; i <= tcp_addresses_max; ++i) many.push_back("127.11.0.1:" + std::to_string(2000 + i));
  of.add("many", many).settle();
  EXPECT_EQ(tcp_addresses(of.services).size(), tcp_addresses_max);
  EXPECT_EQ(of.told.size(), 1u);
}

TEST(TcpClaims, WhatIsRefusedIsNotOpened) {
  Case of;
  of.add("db", {"127.11.0.1:3306"});
  of.services[0].tcp[0].refused = "auth: not carried yet";
  of.settle();
  EXPECT_EQ(of.kept("db").size(), 1u);
  EXPECT_TRUE(tcp_addresses(of.services).empty());
}

TEST(TcpClaims, APermitIsAnAddressWithAPortOrPorts) {
  const SocketAddress at = *SocketAddress::parse("127.0.0.1:3306");
  EXPECT_TRUE(permits_listening("127.0.0.1:3306", at));
  EXPECT_TRUE(permits_listening("127.0.0.1:3306-3306", at));
  EXPECT_TRUE(permits_listening("127.0.0.1:1-65535", at));
  EXPECT_FALSE(permits_listening("127.0.0.1:3307-4000", at));
  EXPECT_FALSE(permits_listening("127.0.0.1:1024-3305", at));
  EXPECT_FALSE(permits_listening("127.0.0.2:3306", at));
  EXPECT_FALSE(permits_listening("[::]:3306", at)) << "every address is said as such";
}

TEST(TcpPolicy, WithoutAllowOnlyPrivateClientsAreServed) {
  TcpPolicy policy;
  EXPECT_TRUE(policy.admits(*IpAddress::parse("127.0.0.1")));
  EXPECT_TRUE(policy.admits(*IpAddress::parse("10.1.2.3")));
  EXPECT_TRUE(policy.admits(*IpAddress::parse("fd00::1")));
  EXPECT_FALSE(policy.admits(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(policy.admits(*IpAddress::parse("2001:db8::1")));
  policy.deny = {*IpPrefix::parse("10.1.0.0/16")};
  EXPECT_FALSE(policy.admits(*IpAddress::parse("10.1.2.3")));
  policy.allow = {*IpPrefix::parse("192.0.2.0/24")};
  EXPECT_TRUE(policy.admits(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(policy.admits(*IpAddress::parse("127.0.0.1")));
}

}  // namespace
}  // namespace gatehouse::conf
