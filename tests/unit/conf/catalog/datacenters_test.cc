#include "conf/catalog/datacenters.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

using Texts = std::vector<std::string>;

struct Given {
  std::vector<conf::Service> services = {{.name = "web"}};
  conf::Config config{};
  FailedOver failed_over{};
  HomeNews at_home = HomeNews::heard;
  conf::Findings findings{};

  explicit Given(const Texts& datacenters) {
    config.node.datacenter = "dc1";
    for (const std::string& each : datacenters)
      services[0].instances.push_back({.datacenter = each, .service = "web", .id = each});
  }
  conf::Service& web() { return services[0]; }
  Texts settle() {
    findings = settle_datacenters(services, config, failed_over, at_home);
    Texts out{web().datacenter};
    for (const conf::Instance& instance : web().instances) out.push_back(instance.id);
    return out;
  }
};

TEST(Datacenters, WhereThereIsButOneNothingIsSaid) {
  EXPECT_EQ(Given({"dc1", "dc1"}).settle(), (Texts{"", "dc1", "dc1"}));
  EXPECT_EQ(Given({"dc7"}).settle(), (Texts{"", "dc7"}));
  EXPECT_EQ(Given(Texts{}).settle(), Texts{""});
}

TEST(Datacenters, WhileNothingIsHeardOfHomeNobodyElseServes) {
  Given given({"dc2"});
  given.at_home = HomeNews::silent;
  EXPECT_EQ(given.settle(), Texts{"dc1"});
  ASSERT_EQ(given.findings.size(), 1u);
  EXPECT_NE(given.findings[0].text().find("waits until it is known what dc1 has of it"), std::string::npos);
  Given known({"dc1", "dc2"});
  known.at_home = HomeNews::silent;
  EXPECT_EQ(known.settle(), (Texts{"dc1", "dc1"})) << "of a snapshot";
}

TEST(Datacenters, WhereHomeCannotBeAskedAPrimaryWaitsAndTheRestIsServed) {
  Given web({"dc2"});
  web.at_home = HomeNews::dead;
  EXPECT_EQ(web.settle(), (Texts{"", "dc2"}));
  Given primary({"dc2"});
  primary.at_home = HomeNews::dead;
  primary.web().single = true;
  EXPECT_EQ(primary.settle(), Texts{"dc1"});
  primary = Given({"dc2"});
  primary.at_home = HomeNews::dead;
  primary.web().single = true;
  primary.failed_over["web"] = "dc2";
  EXPECT_EQ(primary.settle(), (Texts{"dc2", "dc2"})) << "somebody said so";
}

TEST(Datacenters, TheNodesOwnServesAndOthersAreLeftOut) {
  Given given({"dc2", "dc1"});
  EXPECT_EQ(given.settle(), (Texts{"dc1", "dc1"}));
  ASSERT_EQ(given.findings.size(), 1u);
  EXPECT_NE(given.findings[0].text().find("the instances of dc2 are not used"), std::string::npos);
}

TEST(Datacenters, ElseTheFirstThatHasIt) { EXPECT_EQ(Given({"dc3", "dc2"}).settle(), (Texts{"dc3", "dc3"})); }

TEST(Datacenters, TheOneThatFailoverNamesStandsBy) {
  Given given({"dc1", "dc2", "dc3"});
  given.web().failover.datacenter = "dc2";
  EXPECT_EQ(given.settle(), (Texts{"dc1", "dc1", "dc2"}));
}

TEST(Datacenters, OneThatFailedOverIsServedByTheOtherAndItsOwnStandsBy) {
  Given given({"dc1", "dc2", "dc3"});
  given.failed_over["web"] = "dc3";
  EXPECT_EQ(given.settle(), (Texts{"dc3", "dc1", "dc3"}));
}

TEST(Datacenters, WithNobodyAtHomeItStillBelongsThere) {
  Given given({"dc2"});
  given.web().failover.datacenter = "dc2";
  EXPECT_EQ(given.settle(), (Texts{"dc1", "dc2"}));
}

TEST(Datacenters, AFailoverToWhereNobodyIsIsTold) {
  Given given({"dc1", "dc1"});
  given.web().failover.datacenter = "dc9";
  given.settle();
  ASSERT_EQ(given.findings.size(), 1u);
  EXPECT_EQ(given.findings[0].text(),
            "note: web: failover names dc9, where there is no instance of it: nobody stands by");
}

TEST(Datacenters, AFailoverToItsOwnIsNone) {
  Given given({"dc1", "dc2"});
  given.web().failover.datacenter = "dc1";
  EXPECT_EQ(given.settle(), (Texts{"dc1", "dc1"}));
  EXPECT_EQ(given.web().failover.datacenter, "");
}

}  // namespace
}  // namespace gatehouse::catalog
