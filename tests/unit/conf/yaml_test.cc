#include "conf/yaml.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

std::string wrong(const std::string& text) {
  const ParsedYaml parsed = parse_yaml(text, "f");
  return parsed.findings.empty() ? "" : parsed.findings[0].text();
}

TEST(Yaml, KeepsWhereEveryPieceStood) {
  const ParsedYaml parsed = parse_yaml("a: 1\nb:\n  - x\n  - { c: d }\n", "f");
  ASSERT_TRUE(parsed.findings.empty());
  const Yaml& item = parsed.root.pairs[1].value.items[1];
  EXPECT_EQ(item.pairs[0].key.text, "c");
  EXPECT_EQ(item.pairs[0].value.at.line, 4u);
  EXPECT_EQ(item.pairs[0].value.at.column, 10u);
}

TEST(Yaml, EmptyTextIsNull) {
  for (const char* text : {"", "# a comment alone\n", "---\n", "\xef\xbb\xbf"}) {
    const ParsedYaml parsed = parse_yaml(text, "f");
    EXPECT_TRUE(parsed.findings.empty()) << text;
    EXPECT_EQ(parsed.root.kind, Yaml::Kind::null) << text;
  }
}

TEST(Yaml, AliasesStandForWhatTheyName) {
  const ParsedYaml parsed = parse_yaml("a: &nets [10.0.0.0/8, '::1']\nb: *nets\n", "f");
  ASSERT_TRUE(parsed.findings.empty());
  EXPECT_EQ(*parsed.root.find("a"), *parsed.root.find("b"));
  EXPECT_EQ(parsed.root.find("b")->items.size(), 2u);
}

TEST(Yaml, SaysWhatIsWrongAndWhere) {
  const struct {
    const char* text;
    const char* what;
  } rows[] = {
      {"a: 1\nb:\n\tc: 1\n", "f:3:3: a tab in the indentation; write spaces"},
      {"a: [1, 2\n", "f:1:4: this [ has no ]"},
      {"a: {b: 1\n", "f:1:4: this { has no }"},
      {"a: 'x\nb: 1\n", "f:1:4: this quote is never closed"},
      {"a: \"x\\\"\n", "f:1:4: this quote is never closed"},
      {"a: { b: \"x, c: y }\n", "f:1:9: this quote is never closed"},
      {"a: { b: \"x, c: y }\nd: \"z\"\n", "f:1:9: this quote is not closed on its line"},
      {"a:\n  - { b: 'x, c: y }\n  - { b: 'z', c: y }\n", "f:2:10: this quote is not closed on its line"},
      {"a: \"\\q\"\n", "f:1:7: this is not YAML: unknown escape character: q"},
      {"route: *.example.org\n",
       "f:1:8: YAML takes a * without quotes for an alias; write it in quotes, as in \"*\""},
      {"*: {}\n", "f:1:1: YAML takes a * without quotes for an alias; write it in quotes, as in \"*\""},
      {"address: [::]:80\n", "f:1:14: an address in brackets must stand in quotes, as in \"[::]:443\""},
      {"a: @x\n", "f:1:4: no value starts with this character; write the value in quotes"},
      {"a: b: c\n", "f:1:5: no ':' can stand here; is the indentation right, or does a value need quotes?"},
      {"a:\n  - b: 1\n   c: 2\n",
       "f:3:4: this line is indented otherwise than those it belongs to, or lacks a \"- \" or a ':'"},
      {"a:\n  - b: 1\n - b: 2\n",
       "f:3:2: this line is indented otherwise than those it belongs to, or lacks a \"- \" or a ':'"},
      {"a:\n    b: 1\n  c: 2\n",
       "f:3:3: this line is indented otherwise than those it belongs to, or lacks a \"- \" or a ':'"},
      {"a:\n  b: 1\n  - c\n",
       "f:3:3: this line is indented otherwise than those it belongs to, or lacks a \"- \" or a ':'"},
      {"a: \"b\" c\n", "f:1:8: this is not YAML: end of map not found"},
      {"a: !!int 5\n", "f:1:4: tags (tag:yaml.org,2002:int) are not read; write the plain value"},
      {"a: &x { b: *x }\n", "f:1:12: an alias inside what it stands for"},
      {"a: 1\n---\nb: 2\n", "f:2:1: a second document starts here; a file holds one (or is the indentation wrong?)"},
      {"  a: 1\n b: 2\n", "f:2:2: a second document starts here; a file holds one (or is the indentation wrong?)"},
      {"a: |\n  text\n", "f:1:4: a line break or another control character in a value"},
      {"a: \"x\\0y\"\n", "f:1:4: a line break or another control character in a value"},
      {"a: \xff\n", "f:1:4: this byte is not UTF-8"},
      {"a: \xc0\xaf\n", "f:1:4: this byte is not UTF-8"},
      {"a: \xed\xa0\x80\n", "f:1:4: this byte is not UTF-8"},
      {"a: \xf4\x90\x80\x80\n", "f:1:4: this byte is not UTF-8"},
      {"a: 1\nb: \x07\n", "f:2:4: a control character"},
      {"a: 1\rb: 2\n", "f:1:5: a control character"},
  };
  for (const auto& row : rows) EXPECT_EQ(wrong(row.text), row.what) << row.text;
  EXPECT_EQ(wrong(std::string("a: x\0y\n", 7)), "f:1:5: a NUL byte");
}

TEST(Yaml, ReadsTextBeyondAsciiAndLinesThatEndInCrLf) {
  const ParsedYaml parsed = parse_yaml("a: caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xaa\r\nb: 1\r\n", "f");
  ASSERT_TRUE(parsed.findings.empty());
  EXPECT_EQ(parsed.root.find("a")->text, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xaa");
}

std::string nested(unsigned levels) { return "a: " + std::string(levels - 1, '[') + std::string(levels - 1, ']'); }

TEST(Yaml, IsRefusedOneLevelTooDeep) {
  EXPECT_EQ(wrong(nested(yaml_depth_max)), "");
  EXPECT_EQ(wrong(nested(yaml_depth_max + 1)), "f:1:35: nested deeper than 32 levels");
  EXPECT_EQ(wrong(nested(5000)), "f:1:35: nested deeper than 32 levels");
}

TEST(Yaml, IsRefusedOneByteTooLong) {
  std::string text = "a: " + std::string(yaml_bytes_max - 3, 'x');
  EXPECT_EQ(wrong(text), "");
  EXPECT_EQ(wrong(text + "x"), "f: larger than 1 MiB");
}

TEST(Yaml, IsRefusedOneValueTooMany) {
  std::string text = "[";  // the list is a node itself
  for (std::size_t i = 0; i < yaml_nodes_max - 1; ++i) text += "1,";
  EXPECT_EQ(wrong(text + "]"), "");
  EXPECT_EQ(wrong(text + "1,]").substr(0, 9), "f:1:20000");
}

TEST(Yaml, AliasesOfAliasesDoNotGrowWithoutEnd) {
  std::string laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'k'; ++c) {
    const std::string last = std::string("*") + static_cast<char>(c - 1);
    laughs += std::string(1, c) + ": &" + c + " [" + last;
    for (int i = 0; i < 9; ++i) laughs += ", " + last;
    laughs += "]\n";
  }
  EXPECT_NE(wrong(laughs).find("more than 100000 values, aliases followed"), std::string::npos);
  std::string long_text = "a: &a " + std::string(500'000, 'x') + "\nb: [*a, *a, *a, *a, *a, *a, *a]\n";
  EXPECT_NE(wrong(long_text).find("more than 4 MiB, aliases followed"), std::string::npos);
}

TEST(YamlPrint, WritesWhatParsesToTheSameTree) {
  for (const char* text :
       {"a: 1\n", "a: { b: { c: [1, 2] }, d: {} }\n", "- 1\n- [a, [b, c]]\n- { x: [ { y: 1, z: [ {q: r} ] } ] }\n",
        "a: '~'\nb: 'null'\nc: '<<'\nd: ''\ne: 'x: y'\nf: \"quo\\\"te\\\\\"\ng: '- x'\n\"*\": '#'\nh: '[::]:80'\n",
        "a: []\n", "just text\n", "a: caf\xc3\xa9\n"}) {
    const Yaml tree = parse_yaml(text, "f").root;
    const ParsedYaml again = parse_yaml(print_yaml(tree), "f");
    ASSERT_TRUE(again.findings.empty()) << text << print_yaml(tree) << again.findings[0].text();
    EXPECT_EQ(tree, again.root) << text << print_yaml(tree);
    EXPECT_EQ(tree, parse_yaml(inline_yaml(tree), "f").root) << inline_yaml(tree);
  }
}

TEST(YamlPrint, IsReadable) {
  const Yaml tree =
      parse_yaml("a: { b: 10s, c: [1, 2] }\nl: [ { name: x, of: [ '[::]:80' ] }, { name: y } ]\n", "f").root;
  EXPECT_EQ(print_yaml(tree), "a:\n  b: 10s\n  c: [1, 2]\nl:\n  - name: x\n    of: [\"[::]:80\"]\n  - name: y\n");
}

}  // namespace
}  // namespace gatehouse::conf
