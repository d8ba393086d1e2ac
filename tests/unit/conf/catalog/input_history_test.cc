#include "conf/catalog/input_history.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

using Input = std::vector<SourceInstances>;

conf::Instance instance(const std::string& service, const std::string& id, const std::string& address = "10.0.0.1") {
  conf::Instance out;
  out.service = service;
  out.node = "n1";
  out.id = id;
  out.address = address;
  out.port = 80;
  return out;
}

TEST(InputHistory, GivesWhatATableWasMadeOf) {
  InputHistory history;
  const Input one{{"files", {instance("web", "web-1")}}, {"consul", {instance("web", "web-1")}, {{"kind", "x"}}}};
  const Input two{{"files", {}}, {"consul", {instance("web", "web-1", "10.0.0.2"), instance("web", "web-2")}}};
  history.add(7, one);
  history.add(8, one);
  history.add(9, two);
  for (const std::uint64_t number : {7, 8}) EXPECT_EQ(*history.find(number), one);
  EXPECT_EQ(*history.find(9), two);
  EXPECT_FALSE(history.find(6));
  EXPECT_EQ(history.numbers(), (std::vector<std::uint64_t>{7, 8, 9}));
}

TEST(InputHistory, KeepsTheLastFew) {
  InputHistory history;
  for (std::uint64_t number = 1; number <= InputHistory::most + 1; ++number) history.add(number, {});
  EXPECT_EQ(history.numbers().size(), InputHistory::most);
  EXPECT_FALSE(history.find(1));
  EXPECT_TRUE(history.find(2));
}

TEST(Differences, AreToldASentenceEach) {
  const Input before{{"consul", {instance("a", "1"), instance("b", "1"), instance("c", "1")}}};
  const Input after{{"consul", {instance("a", "1"), instance("b", "1", "10.0.0.2"), instance("d", "1")}}};
  EXPECT_EQ(differences(before, after), (std::vector<std::string>{
                                            "service c: n1/1 would be removed (10.0.0.1:80)",
                                            "service b: n1/1 would be changed (10.0.0.2:80)",
                                            "service d: n1/1 would be added (10.0.0.1:80)",
                                        }));
  EXPECT_TRUE(differences(before, before).empty());
}

TEST(Differences, TellWhichConfigEntriesWouldBeOthers) {
  const Input before{{"consul", {}, {{"a", "1"}, {"b", "1"}, {"c", "1"}}}};
  const Input after{{"consul", {}, {{"a", "1"}, {"b", "2"}, {"d", "1"}}}};
  EXPECT_EQ(differences(before, after), (std::vector<std::string>{
                                            "consul: config entries would be changed (b)",
                                            "consul: config entries would be changed (c)",
                                            "consul: config entries would be changed (d)",
                                        }));
  EXPECT_TRUE(differences(before, before).empty());
}

}  // namespace
}  // namespace gatehouse::catalog
