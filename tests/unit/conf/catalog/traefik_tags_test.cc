#include "conf/catalog/traefik_tags.h"

#include <gtest/gtest.h>

#include "tests/unit/conf/catalog/foreign.h"

namespace gatehouse::catalog {
namespace {

std::vector<conf::Listen> listeners() {
  std::vector<conf::Listen> out(2);
  out[0].name = "http", out[0].address = *SocketAddress::parse("[::]:80");
  out[1].name = "https", out[1].address = *SocketAddress::parse("[::]:443"), out[1].tls = true;
  return out;
}

// Tags are written without "traefik."; rules may stand as "rule=…" of a router r.
ForeignTags read(const Texts& said, const std::vector<conf::Listen>& listen = listeners()) {
  Texts tags;
  for (const std::string& tag : said)
    tags.push_back(tag.starts_with("rule=") ? "traefik.http.routers.r." + tag : "traefik." + tag);
  return traefik_tags(instance_with(tags), {listen});
}

const TagVerdict& verdict(const ForeignTags& out, std::string_view part) {
  static const TagVerdict none;
  for (const TagVerdict& one : out.verdicts)
    if (one.tag.find(part) != std::string::npos) return one;
  ADD_FAILURE() << "no tag " << part;
  return none;
}

Texts refusals(const ForeignTags& out) {
  Texts texts;
  if (const auto routes = out.layer.settings.find("route"); routes != out.layer.settings.end())
    for (const conf::Setting& route : routes->second) texts.push_back(route.refused);
  return texts;
}

const Texts on_host{"rule=Host(`a.example`)", "http.routers.r.middlewares=m"};

ForeignTags with_middleware(const Texts& said, const Texts& more = {}) {
  Texts tags = on_host;
  for (const std::string& tag : said) tags.push_back("http.middlewares.m." + tag);
  tags.insert(tags.end(), more.begin(), more.end());
  return read(tags);
}

TEST(TraefikTags, EachAlternativeOfARuleIsARoute) {
  const ForeignTags out = read({"enable=true", "rule=Host(`a.example`) || Host(`b.example`) && PathPrefix(`/x`)"});
  EXPECT_EQ(values(out, "route"), (Texts{"a.example/", "b.example/x"}));
  EXPECT_EQ(verdict(out, "enable").fit, Fit::exact);
  EXPECT_EQ(verdict(out, "rule").fit, Fit::approximate);
  EXPECT_FALSE(verdict(out, "rule").told);
}

TEST(TraefikTags, OnlyWhoAsksForItIsRead) {
  EXPECT_TRUE(read({}).verdicts.empty());
  EXPECT_TRUE(read({"enable=false", "rule=Host(`a.example`)"}).layer.settings.empty());
  EXPECT_FALSE(verdict(read({"enable=false", "rule=Host(`a.example`)"}), "rule").told);
  EXPECT_TRUE(read({"http.services.web.loadbalancer.server.port=80"}).layer.settings.empty());
  EXPECT_EQ(values(read({"enable=true"}), "route"), (Texts{"web/"}));
  EXPECT_EQ(values(read({"enable=true", "tcp.routers.t.rule=HostSNI(`*`)"}), "route"), Texts{});
}

TEST(TraefikTags, KeysAreReadWithoutRegardToCase) {
  EXPECT_EQ(values(traefik_tags(instance_with({"Traefik.HTTP.Routers.R.Rule=Host(`a.example`)"}), {}), "route"),
            (Texts{"a.example/"}));
}

TEST(TraefikTags, ARuleThatCannotBeSaidIsLeftOutAndTold) {
  for (const char* rule :
       {"rule=Host(`a.example`", "rule=Host(`a.example`) && PathRegexp(`(`)", "rule=Host(`a_b..c`)"}) {
    const ForeignTags out = read({rule});
    EXPECT_EQ(values(out, "route"), Texts{}) << rule;
    EXPECT_EQ(verdict(out, "rule").told, conf::Severity::error) << rule;
  }
}

TEST(TraefikTags, EntryPointsAreListeners) {
  const auto routes = [](const std::string& entry_points, const Texts& more = {}) {
    Texts tags{"rule=Host(`a.example`)", "http.routers.r.entrypoints=" + entry_points};
    tags.insert(tags.end(), more.begin(), more.end());
    return values(read(tags), "route");
  };
  EXPECT_EQ(routes("web"), (Texts{"a.example:80/ http=serve"}));
  EXPECT_EQ(routes("http"), (Texts{"a.example:80/ http=serve"}));
  EXPECT_EQ(routes("websecure"), (Texts{"a.example/ http=redirect"}));
  EXPECT_EQ(routes("web, websecure"), (Texts{"a.example/"}));
  EXPECT_EQ(routes("websecure", {"http.routers.r.tls=true"}), (Texts{"a.example/ http=redirect"}));
  const ForeignTags unknown = read({"rule=Host(`a.example`)", "http.routers.r.entrypoints=internal"});
  EXPECT_EQ(refusals(unknown), (Texts{"no listener is called internal"}));
}

TEST(TraefikTags, OneOfSeveralTlsListenersIsAPort) {
  std::vector<conf::Listen> listen = listeners();
  listen.push_back(listen[1]);
  listen[2].name = "staff", listen[2].address.port = 8443;
  const ForeignTags out = read({"rule=Host(`a.example`)", "http.routers.r.entrypoints=staff"}, listen);
  EXPECT_EQ(values(out, "route"), (Texts{"a.example:8443/"}));
}

TEST(TraefikTags, TlsMeansThatPlainRequestsAreRedirected) {
  EXPECT_EQ(values(read({"rule=Host(`a.example`)", "http.routers.r.tls.certresolver=le"}), "route"),
            (Texts{"a.example/ http=redirect"}));
  EXPECT_EQ(values(read({"rule=Host(`a.example`)", "http.routers.r.tls=false"}), "route"), (Texts{"a.example/"}));
  EXPECT_EQ(refusals(read({"rule=Host(`a.example`)", "http.routers.r.tls.options=mtls@file"})).at(0),
            "tls.options are not carried, which may ask for client certificates");
}

TEST(TraefikTags, MiddlewaresBecomeOptions) {
  struct Case {
    Texts said;
    const char* options;
  };
  for (const Case& c :
       {Case{{"stripprefix.prefixes=/x"}, "strip=/x"},
        Case{{"addprefix.prefix=/v1"}, "prepend=/v1"},
        Case{{"redirectscheme.scheme=https", "redirectscheme.permanent=true"}, "http=redirect"},
        Case{{"ipallowlist.sourcerange=10.0.0.0/8, 192.0.2.7"}, "allow=10.0.0.0/8,192.0.2.7/32"},
        Case{{"ipwhitelist.sourcerange=10.0.0.0/8"}, "allow=10.0.0.0/8"},
        Case{{"retry.attempts=3", "retry.initialinterval=100ms"}, "retry=2"},
        Case{{"buffering.maxrequestbodybytes=2000000"}, "max_body=2000000"},
        Case{{"headers.stsseconds=3600"}, "hsts=3600s"},
        Case{{"headers.customrequestheaders.X-Forwarded-Proto=https"}, ""},
        Case{{"headers.framedeny=true"}, "\"headers=set X-Frame-Options DENY\""},
        Case{{"headers.customresponseheaders.X-A=b c"}, "\"headers=set X-A b c\""},
        Case{{"headers.customrequestheaders.X-User="}, "\"headers=request remove X-User\""},
        Case{{"headers.accesscontrolalloworiginlist=https://b.example", "headers.accesscontrolallowmethods=GET,PUT",
              "headers.accesscontrolmaxage=60"},
             "\"cors=https://b.example methods=GET,PUT max_age=60s\""},
        Case{{"forwardauth.address=http://x/"}, "auth=forward:http://x/"},
        Case{{"replacepath.path=/x"}, "\"rewrite=^ /x\""},
        Case{{"replacepathregex.regex=^/a/(.*)", "replacepathregex.replacement=/b/${1}"},
             "\"rewrite=^/a/(.*) /b/$1\""},
        Case{{"compress=true"}, "\"compress=gzip br zstd min=1024\""},
        Case{{"compress=false"}, ""},
        Case{{"compress.encodings=zstd,gzip", "compress.minresponsebodybytes=200",
              "compress.includedcontenttypes=text/*"},
             "\"compress=zstd gzip min=200 types=text/*\""},
        Case{{"compress.encodings=lzma"}, ""},
        Case{{"basicauth.users=a:$2y$05$x", "basicauth.realm=Staff"}, "auth=basic:m"},
        Case{{"ratelimit.average=10", "ratelimit.period=1m", "ratelimit.burst=50"}, "rate_limit=m"},
        Case{{"errors.status=500-599", "errors.service=x"}, ""},
        Case{{"redirectregex.regex=^https?://a\\.example/(.*)", "redirectregex.replacement=https://b.example/${1}",
              "redirectregex.permanent=true"},
             "redirect=301,https://b.example$path"},
        Case{{"redirectregex.regex=^http://a.example/(.*)$", "redirectregex.replacement=https://a.example/$1"},
             "http=redirect"}}) {
    const ForeignTags out = with_middleware(c.said);
    EXPECT_EQ(values(out, "route"), (Texts{"a.example/" + std::string(*c.options ? " " : "") + c.options}))
        << c.said[0];
    EXPECT_EQ(refusals(out), (Texts{""})) << c.said[0];
  }
}

TEST(TraefikTags, AnAdornmentIsTold) {
  EXPECT_EQ(verdict(with_middleware({"errors.status=500"}), "errors").told, conf::Severity::warning);
  EXPECT_EQ(verdict(with_middleware({"compress.encodings=lzma"}), "lzma").told, conf::Severity::warning);
  EXPECT_EQ(verdict(with_middleware({"compress=true", "compress.excludedcontenttypes=image/png"}), "excluded").told,
            conf::Severity::warning);
  EXPECT_EQ(verdict(with_middleware({"headers.ishttpsonly=true"}), "ishttpsonly").told, conf::Severity::warning);
}

TEST(TraefikTags, WhatGatehouseYamlDefinesByNameIsApproximate) {
  const ForeignTags login = with_middleware({"basicauth.users=a:$2y$05$x"});
  EXPECT_EQ(verdict(login, "users").fit, Fit::approximate);
  EXPECT_NE(verdict(login, "users").why.find("gatehouse.yaml's auth.m"), std::string::npos);
  const ForeignTags rate = with_middleware({"ratelimit.average=10", "ratelimit.period=1m"});
  EXPECT_EQ(verdict(rate, "average").why, "the limit is gatehouse.yaml's guard.rate_limits.m; here it is 10 in 1m");
  EXPECT_NE(refusals(with_middleware({"basicauth.users=a:b", "forwardauth.address=http://x/"})).at(0), "");
}

TEST(TraefikTags, WhatRestrictsOrRewritesAndIsNotOursRefusesTheRouter) {
  for (const char* said :
       {"digestauth.users=a", "forwardauth.trustforwardheader=true", "inflightreq.amount=3", "plugin.waf.rules=x",
        "frob.x=y", "passtlsclientcert.pem=true", "replacepathregex.regex=x", "stripprefixregex.regex=x",
        "headers.customrequestheaders.Connection=x", "headers.allowedhosts=a.example", "ipallowlist.sourcerange=ten",
        "ipallowlist.ipstrategy.depth=1", "ipallowlist.sourcerange=", "redirectscheme.scheme=http",
        "redirectregex.regex=^http://a.example/x(.*)", "buffering.maxrequestbodybytes=much",
        "stripprefix.prefixes=x"}) {
    const ForeignTags out = with_middleware({said});
    EXPECT_EQ(values(out, "route"), (Texts{"a.example/"})) << said;
    EXPECT_NE(refusals(out).at(0), "") << said;
    EXPECT_EQ(verdict(out, "middlewares.m").fit, Fit::unmapped) << said;
    EXPECT_EQ(verdict(out, "middlewares.m").told, conf::Severity::error) << said;
    EXPECT_EQ(verdict(out, "rule").fit, Fit::unmapped) << said;
  }
}

TEST(TraefikTags, AMiddlewareOfAnotherRegistrationRefusesTheRouter) {
  for (const char* name : {"office", "auth@file", "office@consulcatalog"}) {
    const ForeignTags out = read({"rule=Host(`a.example`)", "http.routers.r.middlewares=" + std::string(name)});
    EXPECT_NE(refusals(out).at(0).find("is not defined by the instance's own tags"), std::string::npos) << name;
    EXPECT_EQ(verdict(out, "routers.r.middlewares").told, conf::Severity::error);
  }
  EXPECT_EQ(refusals(with_middleware({"compress=true"}, {"http.routers.r.middlewares=m@consulcatalog"})),
            (Texts{""}));
}

TEST(TraefikTags, SeveralAllowListsLetInWhomAllOfThemDo) {
  const Texts lists{"http.routers.r.middlewares=one,two",
                    "http.middlewares.one.ipallowlist.sourcerange=10.0.0.0/8,192.0.2.0/24"};
  const auto with = [&](const std::string& rule, const char* two) {
    Texts tags = lists;
    tags.push_back("rule=" + rule);
    tags.push_back("http.middlewares.two.ipallowlist.sourcerange=" + std::string(two));
    return read(tags);
  };
  EXPECT_EQ(values(with("Host(`a`)", "10.1.0.0/16"), "route"), (Texts{"a/ allow=10.1.0.0/16"}));
  EXPECT_EQ(values(with("Host(`a`) && ClientIP(`10.1.2.3`)", "10.1.0.0/16"), "route"),
            (Texts{"a/ allow=10.1.2.3/32"}));
  EXPECT_NE(refusals(with("Host(`a`)", "172.16.0.0/12")).at(0), "");
}

TEST(TraefikTags, OfSeveralPrefixesTheRulesOwnIsStripped) {
  const ForeignTags out = read({"rule=Host(`a`) && (PathPrefix(`/x`) || PathPrefix(`/y/z`))",
                                "http.routers.r.middlewares=m", "http.middlewares.m.stripprefix.prefixes=/x,/y"});
  EXPECT_EQ(values(out, "route"), (Texts{"a/x strip=/x", "a/y/z strip=/y"}));
  EXPECT_NE(refusals(with_middleware({"stripprefix.prefixes=/x,/y"})).at(0), "");
}

TEST(TraefikTags, ChainsAreFollowedAndEnd) {
  const ForeignTags out = with_middleware(
      {"chain.middlewares=one,two"},
      {"http.middlewares.one.addprefix.prefix=/v1", "http.middlewares.two.ipallowlist.sourcerange=10.0.0.0/8"});
  EXPECT_EQ(values(out, "route"), (Texts{"a.example/ prepend=/v1 allow=10.0.0.0/8"}));
  EXPECT_NE(refusals(with_middleware({"chain.middlewares=m"})).at(0), "");
  EXPECT_NE(refusals(with_middleware({"chain.middlewares=m,m,m,m"})).at(0), "");
}

TEST(TraefikTags, AValueIsOneValueWhateverItHolds) {
  const ForeignTags out = with_middleware({"addprefix.prefix=/v1 allow=0.0.0.0/0"});
  EXPECT_NE(refusals(out).at(0), "");
  EXPECT_EQ(values(out, "route"), (Texts{"a.example/"}));
}

TEST(TraefikTags, TheLoadBalancerIsTheService) {
  const Texts rule{"rule=Host(`a.example`)"};
  const auto value = [&](const std::string& key, const Texts& said) {
    Texts tags = rule;
    for (const std::string& tag : said) tags.push_back("http.services.s.loadbalancer." + tag);
    return values(read(tags), key);
  };
  EXPECT_EQ(value("protocol", {"server.scheme=https"}), (Texts{"https"}));
  EXPECT_EQ(value("balance", {"strategy=p2c"}), (Texts{"least_request"}));
  EXPECT_EQ(value("sticky", {"sticky=true"}), (Texts{"cookie"}));
  EXPECT_EQ(value("sticky", {"sticky.cookie=true"}), (Texts{"cookie"}));
  EXPECT_EQ(value("sticky", {"sticky.cookie.secure=true"}), (Texts{"cookie"}));
  EXPECT_EQ(value("sticky", {"sticky.cookie.name=lb", "sticky.cookie.httponly=true"}), (Texts{"cookie:lb"}));
  EXPECT_EQ(value("weight", {"server.weight=3"}), (Texts{"3"}));
  EXPECT_EQ(value("health", {"healthcheck.path=/up", "healthcheck.interval=1s", "healthcheck.timeout=2"}),
            (Texts{"/up status=200-399 interval=1s timeout=2s"}));
  EXPECT_EQ(value("health", {"healthcheck.path=up", "healthcheck.port=8081", "healthcheck.status=204"}),
            (Texts{"http:8081/up status=204"}));
  EXPECT_EQ(value("health", {"healthcheck.mode=grpc"}), (Texts{"grpc"}));
  EXPECT_EQ(value("eject", {"passivehealthcheck.maxfailedattempts=3"}), (Texts{"errors=3 interval=10s"}));
}

TEST(TraefikTags, ThePortIsTheInstances) {
  EXPECT_EQ(read({"rule=Host(`a`)", "http.services.s.loadbalancer.server.port=9000"}).port, 9000);
  EXPECT_EQ(read({"rule=Host(`a`)"}).port, std::nullopt);
  EXPECT_EQ(read({"rule=Host(`a`)", "http.services.s.loadbalancer.server.port=0"}).port, std::nullopt);
}

TEST(TraefikTags, AnInstanceIsOneEndpoint) {
  const Texts two{"http.services.one.loadbalancer.server.port=1", "http.services.two.loadbalancer.server.port=2"};
  Texts tags{"rule=Host(`a`)"};
  tags.insert(tags.end(), two.begin(), two.end());
  EXPECT_NE(refusals(read(tags)).at(0), "") << "which one?";
  tags.push_back("http.routers.r.service=two");
  tags.push_back("http.routers.s.rule=Host(`b`)");
  tags.push_back("http.routers.s.service=one");
  const ForeignTags out = read(tags);
  EXPECT_EQ(out.port, 2);
  EXPECT_EQ(refusals(out).at(0), "");
  EXPECT_EQ(refusals(out).at(1), "an instance is one endpoint, and another router leads to its service two");
}

TEST(TraefikTags, ARouterWithoutAServiceCanOnlyRedirect) {
  const Texts noop{"rule=Host(`a.example`)", "http.routers.r.service=noop@internal", "http.routers.r.middlewares=m",
                   "http.middlewares.m.redirectscheme.scheme=https"};
  EXPECT_NE(refusals(read(noop)).at(0), "") << "over TLS it would serve";
  Texts plain = noop;
  plain.push_back("http.routers.r.entrypoints=web");
  EXPECT_EQ(refusals(read(plain)), (Texts{""}));
  EXPECT_EQ(values(read(plain), "route"), (Texts{"a.example:80/ http=redirect"}));
}

TEST(TraefikTags, WhatNobodyAsksForIsTold) {
  const ForeignTags out =
      read({"rule=Host(`a`)", "http.routers.r.frob=1", "http.middlewares.unused.compress=true", "docker.network=x"});
  for (const char* tag : {"frob", "unused", "docker"}) {
    EXPECT_EQ(verdict(out, tag).fit, Fit::unmapped) << tag;
    EXPECT_EQ(verdict(out, tag).told, conf::Severity::warning) << tag;
  }
}

TEST(TraefikTags, StreamsAreTold) {
  EXPECT_EQ(verdict(read({"tcp.routers.t.rule=HostSNI(`*`)"}), "tcp").told, conf::Severity::error);
  EXPECT_EQ(verdict(read({"udp.routers.t.service=x"}), "udp").told, conf::Severity::error);
}

TEST(TraefikTags, RoutesAreBounded) {
  std::string rule = "Host(`h0`)";
  for (int i = 1; i < 64; ++i) rule += " || Host(`h" + std::to_string(i) + "`)";
  Texts tags;
  for (int i = 0; i < 5; ++i)
    tags.push_back("http.routers.r" + std::to_string(i) + ".rule=" + rule + " && PathPrefix(`/" + std::to_string(i) +
                   "`)");
  EXPECT_LE(values(read(tags), "route").size(), 256u);
}

}  // namespace
}  // namespace gatehouse::catalog
