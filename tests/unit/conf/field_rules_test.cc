#include "conf/field_rules.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

std::string wrong(std::string_view text) {
  HeaderRules rules;
  const Status status = add_field_rule(rules, text);
  return status ? "" : status.error().what;
}

TEST(FieldRules, ReadsItsForms) {
  HeaderRules rules;
  for (const char* text : {"set X-A one, two", "response add X-B  b ", "default X-C c", "remove X-D",
                           "request set X-E e", "request remove X-F"})
    EXPECT_TRUE(add_field_rule(rules, text)) << text;
  using Kind = FieldRule::Kind;
  EXPECT_EQ(rules.answer.rules, (std::vector<FieldRule>{{Kind::set, "X-A", "one, two"},
                                                        {Kind::add, "X-B", "b"},
                                                        {Kind::fallback, "X-C", "c"},
                                                        {Kind::remove, "X-D", ""}}));
  EXPECT_EQ(rules.request.rules, (std::vector<FieldRule>{{Kind::set, "X-E", "e"}, {Kind::remove, "X-F", ""}}));
  EXPECT_TRUE(rules.answer.drops("x-a") && rules.answer.drops("X-D"));
  EXPECT_FALSE(rules.answer.drops("X-B") || rules.answer.drops("X-C") || rules.answer.drops("X-"));
}

TEST(FieldRules, ALaterWordOnAFieldCounts) {
  HeaderRules rules;
  for (const char* text : {"add X-A 1", "set x-a 2", "default X-A 3", "add X-A 4"})
    ASSERT_TRUE(add_field_rule(rules, text));
  ASSERT_EQ(rules.answer.rules.size(), 2u);
  EXPECT_EQ(rules.answer.rules[0].value, "2");
  EXPECT_EQ(rules.answer.bytes, 2 * (3 + 1 + 4u));
  ASSERT_TRUE(add_field_rule(rules, "remove X-A"));
  EXPECT_EQ(rules.answer.rules.size(), 1u);
  EXPECT_EQ(rules.answer.bytes, 0u);
}

TEST(FieldRules, SecurityGivesWhatTheBackendDoesNot) {
  HeaderRules rules;
  ASSERT_TRUE(add_field_rule(rules, "security"));
  EXPECT_EQ(rules.answer.rules.size(), 4u);
  EXPECT_TRUE(rules.answer.drops("X-Powered-By"));
  EXPECT_FALSE(rules.answer.drops("X-Frame-Options"));
}

TEST(FieldRules, WhatTheDoorSaysByItselfIsRefused) {
  EXPECT_EQ(wrong("set Content-Length 3"), "Content-Length: the door writes this field by itself");
  EXPECT_EQ(wrong("request remove connection"), "connection: the door writes this field by itself");
  EXPECT_EQ(wrong("request set X-Forwarded-For 1.2.3.4"),
            "X-Forwarded-For: the door tells of the client by itself: see forwarded");
  EXPECT_EQ(wrong("request set Host a.example"), "Host: write the key host");
  EXPECT_EQ(wrong("set Strict-Transport-Security max-age=1"), "Strict-Transport-Security: write the key hsts");
  EXPECT_EQ(wrong("set X-A: b"), "X-A:: write NAME VALUE, without the colon");
  EXPECT_EQ(wrong("set X-A"), "set X-A: the value is missing");
  EXPECT_EQ(wrong("remove X-A b"), "remove X-A b: remove takes one name");
  EXPECT_NE(wrong("frob X-A b"), "");
  EXPECT_NE(wrong("set X(A b"), "");
  EXPECT_NE(wrong("security now"), "");
  EXPECT_EQ(wrong("set X-Forwarded-For 1.2.3.4"), "");
}

TEST(FieldRules, AreBoundedInNumberAndSize) {
  HeaderRules rules;
  for (std::size_t i = 0; i < FieldRules::rules_max; ++i)
    ASSERT_TRUE(add_field_rule(rules, "add X-" + std::to_string(i) + " v"));
  EXPECT_FALSE(add_field_rule(rules, "add X-More v"));
  HeaderRules large;
  EXPECT_TRUE(add_field_rule(large, "set A " + std::string(4000, 'x')));
  EXPECT_TRUE(add_field_rule(large, "set B " + std::string(4000, 'x')));
  EXPECT_FALSE(add_field_rule(large, "set C " + std::string(4000, 'x')));
}

}  // namespace
}  // namespace gatehouse::conf
