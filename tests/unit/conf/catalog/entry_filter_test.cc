#include "conf/catalog/entry_filter.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

const conf::Instance web{.datacenter = "dc1",
                         .node = "n1",
                         .service = "web",
                         .id = "web-1",
                         .tags = {"v1", "primary"},
                         .meta = {{"version", "1.2"}, {"a.b", "x"}, {"empty", ""}}};

bool is_in(const std::string& filter) {
  const Result<bool> in = is_in_subset(filter, web);
  EXPECT_TRUE(in) << filter << ": " << (in ? "" : in.error().what);
  return in && *in;
}

TEST(EntryFilter, AnEmptyOneLetsEverybodyIn) { EXPECT_TRUE(is_in("") && is_in(" \n")); }

TEST(EntryFilter, ComparesMetaTagsAndNames) {
  for (const char* filter :
       {R"(Service.Meta.version == "1.2")", R"(Service.Meta.version == 1.2)", R"(Service.Meta["a.b"] == `x`)",
        R"(Service.Meta.version != "1.3")", R"(Service.Meta.missing != "1")", R"("v1" in Service.Tags)",
        R"("v2" not in Service.Tags)", R"(Service.Tags contains primary)", R"(Service.Tags not contains "v2")",
        R"(Service.Meta.empty is empty)", R"(Service.Meta is not empty)", R"("version" in Service.Meta)",
        R"(Service.ID == "web-1")", R"(Service.Service == web)", R"(Node.Node == n1 and Node.Datacenter == dc1)"})
    EXPECT_TRUE(is_in(filter)) << filter;
  for (const char* filter :
       {R"(Service.Meta.version == "1.3")", R"(Service.Meta.missing == "1")", R"("v2" in Service.Tags)",
        R"(Service.Tags not contains "v1")", R"(Service.Meta.version is empty)"})
    EXPECT_FALSE(is_in(filter)) << filter;
}

TEST(EntryFilter, AndBindsTighterThanOrAndNotTighterThanBoth) {
  const std::string yes = R"(Node.Node == n1)", no = R"(Node.Node == n2)";
  EXPECT_TRUE(is_in(yes + " or " + no + " and " + no));
  EXPECT_FALSE(is_in("(" + yes + " or " + no + ") and " + no));
  EXPECT_TRUE(is_in("not " + no + " and " + yes));
  EXPECT_FALSE(is_in("not (" + no + " or " + yes + ")"));
}

TEST(EntryFilter, WhatItCannotAskIsRefusedWhateverTheInstance) {
  for (const char* filter : {R"(Service.Meta.version matches "1.*")", R"(Node.Meta.rack == "a")",
                             R"(Service.Meta.version ==)", R"(Service.Meta.version == "1.2)", R"((Node.Node == n1)",
                             R"(Node.Node == n1 Node.Node)", R"("v1" Service.Tags)", R"(Service.Tags == "v1")",
                             R"(Node.Node == n1 or Node.Nope == 1)", "and", "\"", R"(Service.Meta[version == 1)"})
    for (const conf::Instance& instance : {web, conf::Instance{}})
      EXPECT_FALSE(is_in_subset(filter, instance)) << filter;
}

TEST(EntryFilter, AFilterEndsAtItsLimit) {
  const std::string filter = "Node.Node == n1";
  EXPECT_TRUE(is_in(filter + std::string(filter_bytes_most - filter.size(), ' ')));
  EXPECT_FALSE(is_in_subset(filter + std::string(filter_bytes_most + 1 - filter.size(), ' '), web));
  EXPECT_FALSE(is_in_subset(std::string(filter_bytes_most + 1, ' '), web)) << "nor does an empty one let all in";
}

TEST(EntryFilter, NestingEndsAtItsLimit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "Node.Node == n1" + std::string(depth, ')');
  };
  EXPECT_TRUE(is_in(nested(15)));
  EXPECT_FALSE(is_in_subset(nested(16), web));
  EXPECT_FALSE(is_in_subset(std::string(100'000, '('), web));
}

}  // namespace
}  // namespace gatehouse::catalog
