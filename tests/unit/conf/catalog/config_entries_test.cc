#include "conf/catalog/config_entries.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

using Texts = std::vector<std::string>;

const ConsulPlace place{"dc1", "consul dc1"};

ConfigEntries read(const std::string& entry) {
  const Result<ConfigEntries> found = parse_config_entries("[" + entry + "]", place);
  EXPECT_TRUE(found) << (found ? "" : found.error().what);
  return found ? *found : ConfigEntries();
}

Texts told(const ConfigEntries& entries) {
  Texts out;
  for (const conf::Finding& finding : entries.findings) out.push_back(finding.text());
  return out;
}

TEST(ConfigEntries, ReadsAResolverAsConsulAnswersIt) {
  const ConfigEntries entries = read(R"({"Kind": "service-resolver", "Name": "web", "DefaultSubset": "v1",
    "Subsets": {"v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"Filter": "", "OnlyPassing": true}},
    "Failover": {"*": {"Datacenters": ["dc2"]}}, "ConnectTimeout": "5s",
    "LoadBalancer": {"Policy": "ring_hash",
                     "HashPolicies": [{"Field": "header", "FieldValue": "X-User", "Terminal": true}]},
    "CreateIndex": 104, "ModifyIndex": 104})");
  EXPECT_EQ(told(entries), Texts());
  const Resolver& web = entries.resolvers.at("web");
  EXPECT_EQ(web.default_subset, "v1");
  EXPECT_EQ(web.subsets.at("v1").filter, "Service.Meta.version == 1");
  EXPECT_TRUE(web.subsets.at("v2").only_passing);
  std::map<std::string, std::string> keys;
  for (const auto& [key, settings] : web.keys.settings) keys[key] = settings[0].value;
  EXPECT_EQ(keys, (std::map<std::string, std::string>{{"balance", "maglev"},
                                                      {"connect_timeout", "5s"},
                                                      {"failover", "dc2 after=0 back_after=0"},
                                                      {"hash_on", "header:X-User"}}));
}

TEST(ConfigEntries, ReadsARedirectAndAFailoverToAnotherService) {
  const ConfigEntries entries = read(
      R"({"Kind": "service-resolver", "Name": "old", "Redirect": {"Service": "new", "Datacenter": "dc2"}},
         {"Kind": "service-resolver", "Name": "web", "Failover": {"*": {"Service": "spare", "ServiceSubset": "s"}}})");
  EXPECT_EQ(told(entries), Texts());
  EXPECT_EQ(entries.resolvers.at("old").redirect->to.service, "new");
  EXPECT_EQ(entries.resolvers.at("old").redirect->datacenter, "dc2");
  EXPECT_EQ(entries.resolvers.at("web").failover.at("*").to.subset, "s");
  EXPECT_FALSE(entries.resolvers.at("web").keys.settings.contains("failover"));
}

TEST(ConfigEntries, ANegativeTimeIsOffAndABadOneIsIgnoredAlone) {
  const ConfigEntries entries = read(
      R"({"Kind": "service-resolver", "Name": "web", "DefaultSubset": "v1", "RequestTimeout": "-1s"},
         {"Kind": "service-resolver", "Name": "bad", "DefaultSubset": "v1", "RequestTimeout": "soon",
          "ConnectTimeout": "-5s"},
         {"Kind": "service-router", "Name": "web", "Routes": [{"Destination": {"Service": "admin",
          "RequestTimeout": "-1s", "IdleTimeout": "later"}}]})");
  EXPECT_EQ(entries.resolvers.at("web").keys.settings.at("total_timeout")[0].value, "off");
  EXPECT_EQ(entries.resolvers.at("bad").default_subset, "v1");
  EXPECT_TRUE(entries.resolvers.at("bad").keys.settings.empty());
  const RouterRoute& route = entries.routers.at("web").routes.at(0);
  EXPECT_EQ(route.to.refused, "");
  EXPECT_EQ(route.request_timeout, Millis(0));
  EXPECT_FALSE(route.idle_timeout);
  EXPECT_EQ(told(entries),
            (Texts{"consul dc1 service-resolver bad: warning: ConnectTimeout: a time can't be negative here: ignored",
                   "consul dc1 service-resolver bad: warning: RequestTimeout: soon is no duration: ignored",
                   "consul dc1 service-router web: warning: Routes[0].Destination.IdleTimeout: later is no duration: "
                   "ignored"}));
}

TEST(ConfigEntries, AFailoverThatCannotBeHadIsTold) {
  EXPECT_EQ(
      told(read(R"({"Kind": "service-resolver", "Name": "web", "Failover": {
              "*": {"Targets": [{"Peer": "far"}]}, "v2": {"Targets": [7]}}})")),
      (Texts{"consul dc1 service-resolver web: warning: Failover.*.Targets[0].Peer=far is not carried: nobody "
             "stands by",
             "consul dc1 service-resolver web: warning: Failover.v2.Targets[0] is no object: nobody stands by"}));
  EXPECT_EQ(
      told(read(R"({"Kind": "service-resolver", "Name": "web", "Failover": {
              "*": {"Datacenters": ["dc2"], "ServiceSubset": "v2"}, "v3": {"Datacenters": ["dc2", "dc3"]}}})")),
      (Texts{"consul dc1 service-resolver web: warning: Failover.*.ServiceSubset: in another datacenter is not "
             "carried: the same subset as here serves",
             "consul dc1 service-resolver web: warning: Failover.v3.Datacenters: dc2 counts; more than one is not "
             "carried"}));
}

TEST(ConfigEntries, ConditionsAreASetAsInTags) {
  const ConfigEntries entries = read(R"({"Kind": "service-router", "Name": "web", "Routes": [{"Match": {"HTTP": {
      "Header": [{"Name": "X-Debug", "Exact": "1"}, {"Name": "Accept", "Present": true}],
      "Methods": ["POST", "GET", "POST"]}}}]})");
  const conf::RouteMatch& match = entries.routers.at("web").routes.at(0).match;
  EXPECT_EQ(match.headers, (std::vector<conf::HeaderMatch>{{"accept", ""}, {"x-debug", "1"}}));
  EXPECT_EQ(match.methods, (Texts{"GET", "POST"}));
}

TEST(ConfigEntries, ReadsASplitter) {
  const ConfigEntries entries = read(R"({"Kind": "service-splitter", "Name": "web",
    "Splits": [{"Weight": 99.5, "ServiceSubset": "v1"}, {"Weight": 0.5, "Service": "canary", "Namespace": "default"},
               {"Weight": 0, "Service": "x", "Namespace": "team"}]})");
  EXPECT_EQ(told(entries), Texts());
  const std::vector<Split>& splits = entries.splitters.at("web").splits;
  ASSERT_EQ(splits.size(), 3u);
  EXPECT_EQ(splits[0].share, 99.5);
  EXPECT_EQ(splits[0].to.subset, "v1");
  EXPECT_EQ(splits[1].to.service, "canary");
  EXPECT_EQ(splits[1].to.refused, "");
  EXPECT_EQ(splits[2].to.refused, "Splits[2].Namespace=team is not carried");
}

TEST(ConfigEntries, ReadsARouterAsConsulAnswersIt) {
  const ConfigEntries entries = read(R"({"Kind": "service-router", "Name": "web", "Routes": [
    {"Match": {"HTTP": {"PathPrefix": "/admin/", "Header": [{"Name": "x-debug", "Exact": "1"}, {"Name": "y", "Present": true}],
                        "Methods": ["GET"]}},
     "Destination": {"RequestTimeout": "5s", "IdleTimeout": "1m", "Service": "admin", "PrefixRewrite": "/",
                     "NumRetries": 2, "RetryOnConnectFailure": true, "RetryOnStatusCodes": [503]}},
    {"Match": {"HTTP": {"PathExact": "/health"}}, "Destination": {"ServiceSubset": "v2", "PrefixRewrite": "/x"}},
    {"Destination": null}]})");
  EXPECT_EQ(told(entries), Texts());
  const std::vector<RouterRoute>& routes = entries.routers.at("web").routes;
  ASSERT_EQ(routes.size(), 3u);
  EXPECT_EQ(routes[0].match.path, "/admin");
  EXPECT_EQ(routes[0].match.headers, (std::vector<conf::HeaderMatch>{{"x-debug", "1"}, {"y", ""}}));
  EXPECT_EQ(routes[0].match.methods, Texts{"GET"});
  EXPECT_EQ(routes[0].to.service, "admin");
  EXPECT_EQ(routes[0].prefix_rewrite, "");
  EXPECT_EQ(routes[0].request_timeout, Millis(5000));
  EXPECT_EQ(routes[0].idle_timeout, Millis(60'000));
  EXPECT_EQ(routes[0].retry->attempts, 2u);
  EXPECT_EQ(routes[0].retry->on_status, (std::vector<conf::StatusRange>{{503, 503}}));
  EXPECT_TRUE(routes[1].match.exact_path);
  EXPECT_EQ(routes[1].to.subset, "v2");
  EXPECT_EQ(routes[1].prefix_rewrite, "/x");
  EXPECT_EQ(routes[2].match, conf::RouteMatch());
  EXPECT_FALSE(routes[2].prefix_rewrite || routes[2].retry || routes[2].request_timeout);
}

TEST(ConfigEntries, TellsOfWhatOnlyLooksAndGoesOn) {
  const ConfigEntries entries = read(
      R"({"Kind": "service-splitter", "Name": "web",
          "Splits": [{"Weight": 100, "RequestHeaders": {"Set": {"x": "y"}}, "ResponseHeaders": {}}]},
         {"Kind": "service-resolver", "Name": "web", "LoadBalancer": {"Policy": "original_dst"},
          "Failover": {"*": {"Datacenters": ["dc2", "dc3"]}}, "PrioritizeByLocality": {"Mode": "failover"}})");
  EXPECT_EQ(
      told(entries),
      (Texts{"consul dc1 service-splitter web: warning: Splits[0].RequestHeaders: is not carried: ignored",
             "consul dc1 service-resolver web: warning: Failover.*.Datacenters: dc2 counts; more than one is not "
             "carried",
             "consul dc1 service-resolver web: warning: LoadBalancer.Policy: original_dst is not carried: ignored",
             "consul dc1 service-resolver web: warning: PrioritizeByLocality: is not carried: ignored"}));
  EXPECT_EQ(entries.splitters.at("web").splits.size(), 1u);
  EXPECT_FALSE(entries.resolvers.at("web").keys.settings.contains("balance"));
}

TEST(ConfigEntries, TellsOfWhatIsCarriedInPart) {
  EXPECT_EQ(
      told(read(R"({"Kind": "service-resolver", "Name": "web", "LoadBalancer": {"Policy": "least_request",
                    "LeastRequestConfig": {"ChoiceCount": 5}, "HashPolicies": [{"SourceIP": true}]}},
                   {"Kind": "service-resolver", "Name": "z", "LoadBalancer": {"Policy": "ring_hash",
                    "RingHashConfig": {"MinimumRingSize": 7}}},
                   {"Kind": "service-router", "Name": "web", "Routes": [{"Destination": {"NumRetries": 50}}]})")),
      (Texts{"consul dc1 service-resolver web: warning: LoadBalancer.HashPolicies: count with ring_hash and maglev "
             "alone: ignored",
             "consul dc1 service-resolver web: warning: LoadBalancer.LeastRequestConfig: is not carried: ignored",
             "consul dc1 service-resolver z: warning: LoadBalancer.RingHashConfig: is not carried: ignored",
             "consul dc1 service-router web: warning: Routes[0].Destination.NumRetries: at most 10 are carried"}));
}

TEST(ConfigEntries, ConditionsOfARouterAreAskedAsConsulMeansThem) {
  struct Case {
    const char *match, *text;
  };
  for (const Case& c :
       {Case{R"("PathRegex": "/a|/b")", "/ if.path_regex=^(?:/a|/b)$"},
        Case{R"("QueryParam": [{"Name": "x", "Exact": "1"}, {"Name": "y", "Present": true}])",
             "/ if.query=x:1 if.query=y"},
        Case{R"("QueryParam": [{"Name": "x", "Regex": "v."}])", "/ if.query_regex=x:^(?:v.)$"},
        Case{R"("Header": [{"Name": "x", "Prefix": "a."}])", "/ if.header_regex=x:^a\\."},
        Case{R"("Header": [{"Name": "x", "Suffix": "a."}])", "/ if.header_regex=x:a\\.$"},
        Case{R"("Header": [{"Name": "x", "Contains": "a"}])", "/ if.header_regex=x:a"},
        Case{R"("Header": [{"Name": "x", "Exact": "a", "Invert": true}])", "/ if.header_not=x:a"},
        Case{R"("Header": [{"Name": "x", "Present": true, "Invert": true}])", "/ if.header_not=x"},
        Case{R"("Header": [{"Name": "x", "Regex": "a+", "Invert": true}])", "/ if.header_not_regex=x:^(?:a+)$"},
        Case{R"("Header": [{"Name": "x", "Exact": "a.", "IgnoreCase": true}])", "/ if.header_regex=x:(?i)^(?:a\\.)$"},
        Case{R"("Header": [{"Name": "x", "Prefix": "a", "IgnoreCase": true, "Invert": true}])",
             "/ if.header_not_regex=x:(?i)^a"},
        Case{R"("Header": [{"Name": "x", "Regex": "a+"}])", "/ if.header_regex=x:^(?:a+)$"}}) {
    const ConfigEntries entries =
        read(R"({"Kind": "service-router", "Name": "web", "Routes": [{"Match": {"HTTP": {)" + std::string(c.match) +
             R"(}}, "Destination": {"Service": "x"}}]})");
    EXPECT_EQ(told(entries), Texts()) << c.match;
    EXPECT_EQ(entries.routers.at("web").routes.at(0).match.text(), c.text);
  }
}

TEST(ConfigEntries, ARouteThatAsksWhatWeCannotIsLeftOutAlone) {
  for (const char* match :
       {R"("PathRegex": "/a(")", R"("QueryParam": [{"Name": "x"}])", R"("QueryParam": [{"Name": "x", "Regex": "("}])",
        R"("QueryParam": [7])", R"("Header": [{"Name": "x", "Prefix": "a", "Suffix": "b"}])",
        R"("Header": [{"Name": "x", "Invert": true}])", R"("Header": [{"Name": "x"}])", R"("CaseInsensitive": true)",
        R"("PathPrefix": "/a/../b")", R"("PathPrefix": 7)"}) {
    const ConfigEntries entries =
        read(R"({"Kind": "service-router", "Name": "web", "Routes": [{"Match": {"HTTP": {)" + std::string(match) +
             R"(}}}, {"Destination": {"Service": "x"}}]})");
    ASSERT_EQ(entries.routers.at("web").routes.size(), 1u) << match;
    EXPECT_EQ(entries.routers.at("web").routes[0].to.service, "x");
    EXPECT_EQ(told(entries).back(),
              "consul dc1 service-router web: Routes[0]: is left out: what it matches goes on to the next route");
  }
}

TEST(ConfigEntries, AnEntryOfOtherTypesIsLeftOutAndTheOthersAreNot) {
  for (const char* wrong : {R"("Splits": 7)", R"("Splits": [7])", R"("Splits": [{"Weight": "x"}])",
                            R"("Splits": [{"Weight": 101}])", R"("Splits": [{"Weight": -1}])"}) {
    const ConfigEntries entries = read(R"({"Kind": "service-splitter", "Name": "web", )" + std::string(wrong) +
                                       R"(}, {"Kind": "service-splitter", "Name": "z", "Splits": []})");
    EXPECT_FALSE(entries.splitters.contains("web")) << wrong;
    EXPECT_TRUE(entries.splitters.contains("z"));
    EXPECT_EQ(told(entries).back(), "consul dc1 service-splitter web: is left out as a whole");
  }
}

TEST(ConfigEntries, LimitsAreKept) {
  const auto splits = [](std::size_t count) {
    std::string text = R"({"Kind": "service-splitter", "Name": "web", "Splits": [{"Weight": 1})";
    for (std::size_t i = 1; i < count; ++i) text += R"(,{"Weight": 1})";
    return text + "]}";
  };
  EXPECT_TRUE(read(splits(splits_most)).splitters.contains("web"));
  EXPECT_FALSE(read(splits(splits_most + 1)).splitters.contains("web"));
  std::string many = "{}";
  for (std::size_t i = 1; i < entries_most; ++i) many += ",{}";
  EXPECT_TRUE(parse_config_entries("[" + many + "]", place));
  EXPECT_FALSE(parse_config_entries("[" + many + ",{}]", place));
}

TEST(ConfigEntries, AnAnswerThatIsNoneIsRefusedWhole) {
  for (const char* body : {"", "{}", "[7]", "[", "<html>", R"([{"Kind": "service-router"})"})
    EXPECT_FALSE(parse_config_entries(body, place)) << body;
  for (const char* body : {"[]", "null", R"([{"Kind": "service-defaults", "Name": "web"}])"})
    EXPECT_TRUE(parse_config_entries(body, place)->empty()) << body;
}

TEST(ConfigEntries, TellsWhereAServiceLeadsOverAllItsEntries) {
  const ConfigEntries entries = read(
      R"({"Kind": "service-router", "Name": "web", "Routes": [{"Destination": {"Service": "a"}}]},
         {"Kind": "service-splitter", "Name": "a", "Splits": [{"Weight": 50, "Service": "b"}, {"Weight": 50}]},
         {"Kind": "service-resolver", "Name": "b", "Redirect": {"Service": "c"}},
         {"Kind": "service-resolver", "Name": "c", "Failover": {"*": {"Service": "web"}}})");
  EXPECT_EQ(entries.leads_to("web"), (Texts{"a", "b", "c"}));
  EXPECT_EQ(entries.leads_to("other"), Texts());
  const ConfigEntries away = read(
      R"({"Kind": "service-resolver", "Name": "web", "Redirect": {"Datacenter": "dc2"}},
         {"Kind": "service-resolver", "Name": "shop", "Failover": {"v2": {"Datacenters": ["dc2"]}}})");
  EXPECT_EQ(away.leads_to("web"), Texts{"web"}) << "its instances of the other datacenter";
  EXPECT_EQ(away.leads_to("shop"), Texts{"shop"});
}

TEST(ConfigEntries, TheFirstSourceThatSaysAnythingOfAServiceCounts) {
  ConfigEntries first = read(R"({"Kind": "service-splitter", "Name": "web", "Splits": []})");
  first.add(read(R"({"Kind": "service-splitter", "Name": "web", "Splits": [{"Weight": 100}]},
                    {"Kind": "service-splitter", "Name": "z", "Splits": []})"));
  EXPECT_EQ(first.splitters.at("web").splits.size(), 0u);
  EXPECT_TRUE(first.splitters.contains("z"));
}

}  // namespace
}  // namespace gatehouse::catalog
