#include "conf/catalog/json_locate.h"

#include <gtest/gtest.h>

#include "conf/catalog/go_duration.h"
#include "conf/catalog/json_hint.h"

namespace gatehouse::catalog {
namespace {

std::string at(std::string_view text, const JsonPath& path) {
  return std::string(text.substr(json_offset(text, path), 6));
}

TEST(JsonLocate, FindsMembersElementsAndTheLastOfTheSameName) {
  const std::string_view text =
      R"( {"a": [ 1, {"b\"c": "x]y"}, [[2]] ], "n\u0061me": true, "a2" : {"k":null}, "k":1, "k":22222 } )";
  EXPECT_EQ(at(text, {}), "{\"a\": ");
  EXPECT_EQ(at(text, {"a", 1u}), "{\"b\\\"c");
  EXPECT_EQ(at(text, {"a", 1u, "b\"c"}), "\"b\\\"c\"");
  EXPECT_EQ(at(text, {"a", 2u, 0u, 0u}), "2]] ],");
  EXPECT_EQ(at(text, {"name"}), "\"n\\u00");
  EXPECT_EQ(at(text, {"a2", "k"}), "\"k\":nu");
  EXPECT_EQ(at(text, {"k"}), "\"k\":22");
}

TEST(JsonLocate, APathThatLeadsNowhereGivesTheNearestPlace) {
  EXPECT_EQ(json_offset("{\"a\": 1}", {"b"}), 0u);
  EXPECT_EQ(json_offset("{\"a\": {}}", {"a", "b"}), 1u);
  EXPECT_EQ(json_offset("[1]", {7u}), 0u);
  EXPECT_EQ(json_offset("", {"a"}), 0u);
}

TEST(JsonLocate, ElementsInOneWalk) {
  const std::string_view text = R"({"services": [ {"a":[1,2]}, 3 ,"]" ]})";
  EXPECT_EQ(json_elements(text, {"services"}), (std::vector<std::size_t>{15, 28, 31}));
  EXPECT_TRUE(json_elements(text, {}).empty());
  EXPECT_TRUE(json_elements("[]", {}).empty());
}

TEST(JsonLocate, DuplicatesAreOfOneObject) {
  const std::string_view text = R"({"a": {"a": 1}, "b": [{"x":1,"\u0078":2},{"x":3}], "a": 2})";
  const auto twice = json_duplicates(text, 10);
  ASSERT_EQ(twice.size(), 2u);
  EXPECT_EQ(twice[0].name, "x");
  EXPECT_EQ(twice[1].name, "a");
  EXPECT_EQ(twice[1].offset, text.rfind("\"a\""));
  EXPECT_EQ(json_duplicates(text, 1).size(), 1u);
}

TEST(JsonLocate, BrokenTextIsWalkedToItsEnd) {
  for (const char* text : {"{", "[", "{\"a", "{\"a\":", "[1,", "}", "]", "{\"a\\", "{\"a\":}", ",", "{\"\\u00"})
    EXPECT_LE(json_offset(text, {"a", 0u}), std::string_view(text).size());
}

TEST(LineIndex, CountsFromOne) {
  const LineIndex lines("ab\n\ncd");
  EXPECT_EQ(lines.position(0, "f"), (conf::Position{"f", 1, 1}));
  EXPECT_EQ(lines.position(2, "f"), (conf::Position{"f", 1, 3}));
  EXPECT_EQ(lines.position(3, "f"), (conf::Position{"f", 2, 1}));
  EXPECT_EQ(lines.position(5, "f"), (conf::Position{"f", 3, 2}));
  EXPECT_EQ(lines.position(99, "f").line, 3u);
}

TEST(JsonPath, IsWrittenAsOperatorsWriteIt) {
  EXPECT_EQ(path_text({"services", 0u, "checks", 1u, "interval"}), "services[0].checks[1].interval");
}

TEST(JsonHint, TellsWhatToWrite) {
  struct Row {
    std::string_view text;
    std::size_t offset;
    std::string_view hint;
  };
  for (const Row& row : std::vector<Row>{{"{\"a\":1,}", 7, "a comma too many before this"},
                                         {"{\"a\":1 \"b\":2}", 7, "a comma or colon is missing before this"},
                                         {"{\"a\" 1}", 5, "not what JSON expects here"},
                                         {"{\"a\":}", 5, "a value is missing before this"},
                                         {"# hi", 0, "JSON has no comments; take them out"},
                                         {"{'a':1}", 1, "write \" for quotes"},
                                         {"{\"a\":yes}", 5, "write texts within quotes"},
                                         {"{\"a\":1", 6, "ends before all brackets and quotes are closed"},
                                         {"", 0, "holds nothing but spaces; write {} for no definitions"}})
    EXPECT_EQ(json_hint(row.text, row.offset), row.hint) << row.text;
}

TEST(GoDuration, ReadsAsGoDoes) {
  using namespace std::chrono_literals;
  struct Row {
    const char* text;
    std::chrono::nanoseconds value;
  };
  for (const Row& row : std::vector<Row>{{"5s", 5s},
                                         {"1h2m3.5s", 1h + 2min + 3500ms},
                                         {"250ms", 250ms},
                                         {"-1.5h", -90min},
                                         {"+5s", 5s},
                                         {"0", 0s},
                                         {"-0", 0s},
                                         {".5m", 30s},
                                         {"1.s", 1s},
                                         {"10us", 10us},
                                         {"10\u00b5s", 10us},
                                         {"10\u03bcs", 10us},
                                         {"7ns", 7ns},
                                         {"1m1m", 2min},
                                         {"2562047h47m16.854775807s", std::chrono::nanoseconds::max()}})
    EXPECT_EQ(parse_go_duration(row.text), row.value) << row.text;
}

TEST(GoDuration, RefusesAsGoDoes) {
  for (const char* text : {"", "5", "s", ".s", "-", "+", "1d", "5 s", " 5s", "5S", "1e3s", "--5s",
                           "2562047h47m16.854775808s", "9999999999999999999999s", "9223372036854775808ns"})
    EXPECT_EQ(parse_go_duration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace gatehouse::catalog
