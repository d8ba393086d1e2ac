#include "cli/catalog_memory.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

using Input = std::vector<catalog::SourceInstances>;

conf::Instance instance(const std::string& id) {
  conf::Instance out;
  out.service = "web";
  out.node = "n1";
  out.id = id;
  out.address = "10.0.0.1";
  return out;
}

Input consul_says(const std::vector<std::string>& ids) {
  Input out{{CatalogMemory::files, {instance("of-file")}}, {"consul", {}}};
  for (const std::string& id : ids) out[1].instances.push_back(instance(id));
  return out;
}

void fail(const std::string& what) { ADD_FAILURE() << what; }

TEST(CatalogMemory, WhatConsulSaidIsKnownAfterARestartAndWhatFilesSaidIsNot) {
  const ScratchFolder folder;
  {
    CatalogMemory memory(folder.path());
    EXPECT_TRUE(memory.load().empty());
    memory.keep(fail);
    memory.take(consul_says({"a", "b"}), true);
  }
  CatalogMemory memory(folder.path());
  EXPECT_TRUE(memory.load().empty());
  EXPECT_EQ(memory.known_to("consul").instances.size(), 2u);
  EXPECT_TRUE(memory.known_to(CatalogMemory::files).instances.empty());
}

TEST(CatalogMemory, ConfigEntriesAreKnownAfterARestartAndFrozenWithTheRest) {
  const std::map<std::string, std::string> entries{
      {"service-router", R"({"Kind":"service-router","Name":"web","Meta":{"gatehouse_source":"consul"}})"}};
  const Input input{{"consul", {}, entries}};
  const ScratchFolder folder;
  {
    CatalogMemory memory(folder.path());
    memory.keep(fail);
    memory.take(input, false);
    ASSERT_TRUE(memory.freeze(1000, "uid 0"));
    ASSERT_TRUE(memory.save_frozen());
    EXPECT_EQ(memory.take({{"consul", {}}}, false), input);
    EXPECT_EQ(memory.waiting(), std::vector<std::string>{"consul: config entries would be changed (service-router)"});
    memory.take(input, false);
  }
  CatalogMemory memory(folder.path());
  EXPECT_TRUE(memory.load().empty());
  EXPECT_EQ(memory.known_to("consul").entries, entries);
  EXPECT_EQ(memory.in_force(), input);
}

TEST(CatalogMemory, AConsulThatWasNotHeardReplacesNothing) {
  const ScratchFolder folder;
  {
    CatalogMemory memory(folder.path());
    memory.keep(fail);
    memory.take(consul_says({}), false);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("catalog.json")));
  {
    CatalogMemory memory(folder.path());
    memory.keep(fail);
    memory.take(consul_says({}), true);
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path("catalog.json")));
}

TEST(CatalogMemory, WhatASourceSaysInThisRunCountsBeforeWhatItSaidInTheOneBefore) {
  const ScratchFolder folder;
  CatalogMemory memory(folder.path());
  memory.take(consul_says({"a"}), true);
  EXPECT_EQ(memory.known_to("consul").instances.size(), 1u);
  memory.take(consul_says({}), true);
  EXPECT_TRUE(memory.known_to("consul").instances.empty());
}

TEST(CatalogMemory, FrozenIsWhatWasSaidThen) {
  const ScratchFolder folder;
  CatalogMemory memory(folder.path());
  memory.take(consul_says({"a"}), true);
  EXPECT_TRUE(memory.findings().empty());
  EXPECT_FALSE(memory.unfreeze());
  ASSERT_TRUE(memory.freeze(1000, "uid 0"));
  EXPECT_FALSE(memory.freeze(2000, "uid 1"));
  EXPECT_EQ(memory.take(consul_says({"a", "b"}), true), consul_says({"a"}));
  EXPECT_EQ(memory.waiting().size(), 1u);
  ASSERT_EQ(memory.findings().size(), 1u);
  EXPECT_NE(memory.findings()[0].what.find("by uid 0"), std::string::npos);
  ASSERT_TRUE(memory.unfreeze());
  EXPECT_EQ(memory.in_force(), consul_says({"a", "b"}));
  EXPECT_TRUE(memory.waiting().empty());
}

TEST(CatalogMemory, FrozenStaysFrozenOverARestart) {
  const ScratchFolder folder;
  {
    CatalogMemory memory(folder.path());
    memory.take(consul_says({"a"}), true);
    ASSERT_TRUE(memory.freeze(1000, "uid 0"));
    ASSERT_TRUE(memory.save_frozen());
  }
  CatalogMemory memory(folder.path());
  EXPECT_TRUE(memory.load().empty());
  ASSERT_TRUE(memory.frozen());
  EXPECT_EQ(memory.frozen()->since_ms, 1000);
  EXPECT_EQ(memory.frozen()->by, "uid 0");
  EXPECT_EQ(memory.take(consul_says({"b"}), true), consul_says({"a"}));
  ASSERT_TRUE(memory.unfreeze());
  ASSERT_TRUE(memory.save_frozen());
  CatalogMemory after(folder.path());
  EXPECT_TRUE(after.load().empty());
  EXPECT_FALSE(after.frozen());
}

TEST(CatalogMemory, AFreezeThatIsTornIsToldAndOver) {
  const ScratchFolder folder;
  folder.write("catalog.frozen.json", "torn");
  CatalogMemory memory(folder.path());
  const std::vector<std::string> troubles = memory.load();
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_NE(troubles[0].find("no longer frozen"), std::string::npos);
  EXPECT_FALSE(memory.frozen());
}

TEST(CatalogMemory, GoesBackToWhatATableWasMadeOfAndStaysThere) {
  const ScratchFolder folder;
  CatalogMemory memory(folder.path());
  EXPECT_FALSE(memory.roll_back(0, 1000, "uid 0"));
  for (const std::uint64_t table : {4, 5, 6}) {
    memory.take(consul_says({std::to_string(table)}), true);
    memory.applied(table);
  }
  EXPECT_EQ(memory.roll_back(3, 1000, "uid 0").error().what, "table 3 is not kept; there are 4, 5, 6");
  EXPECT_FALSE(memory.frozen());
  EXPECT_EQ(*memory.roll_back(0, 1000, "uid 0"), 5u);
  EXPECT_EQ(memory.in_force(), consul_says({"5"}));
  memory.applied(7);
  EXPECT_EQ(*memory.roll_back(4, 1000, "uid 0"), 4u);
  EXPECT_EQ(memory.in_force(), consul_says({"4"}));
  ASSERT_TRUE(memory.unfreeze());
  EXPECT_EQ(memory.in_force(), consul_says({"6"}));
}

}  // namespace
}  // namespace gatehouse::cli
