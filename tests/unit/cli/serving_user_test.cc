#include "cli/serving_user.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/privileges.h"

namespace gatehouse::cli {
namespace {

conf::Config config_of(const std::string& user) {
  conf::Config config;
  config.file = "gatehouse.yaml";
  config.node.user = user;
  return config;
}

TEST(ServingUser, IsTheOneNamedElseGatehouseIfThereIsOne) {
  EXPECT_EQ(serving_user(config_of("nobody")), "nobody");
  EXPECT_EQ(serving_user(config_of("nosuchuser")), "nosuchuser");
  EXPECT_EQ(serving_user(config_of("root")), "");
  EXPECT_EQ(serving_user(config_of("")), find_user("gatehouse") ? "gatehouse" : "");
}

TEST(ServingUser, RootIsWarnedOfUnlessItWasSaid) {
  EXPECT_FALSE(root_warning(config_of("nobody")));
  EXPECT_FALSE(root_warning(config_of("root")));
  const auto warning = root_warning(config_of(""));
  ASSERT_EQ(warning.has_value(), ::geteuid() == 0 && !find_user("gatehouse"));
  if (!warning) return;
  EXPECT_EQ(warning->severity, conf::Severity::warning);
  EXPECT_NE(warning->text().find("useradd --system"), std::string::npos) << warning->text();
}

}  // namespace
}  // namespace gatehouse::cli
