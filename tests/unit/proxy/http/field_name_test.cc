#include "proxy/http/field_name.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(FieldName, EveryKnownNameIsFoundInAnyCase) {
  int known = 0;
  for (std::size_t i = 0; i < field_id_count; ++i) {
    const auto id = static_cast<FieldId>(i);
    std::string name(field_name(id));
    if (name.empty()) continue;
    ++known;
    EXPECT_EQ(field_id(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(field_id(name), id) << name;
  }
  EXPECT_EQ(known, static_cast<int>(field_id_count) - 2);
}

TEST(FieldName, ANameThatDiffersInOneByteIsAnother) {
  for (std::size_t i = 0; i < field_id_count; ++i) {
    const std::string name(field_name(static_cast<FieldId>(i)));
    for (std::size_t at = 0; at < name.size(); ++at)
      for (const char c : {'!', '~', '0', '_', '.'}) {
        std::string other = name;
        other[at] = c;
        EXPECT_NE(field_id(other), static_cast<FieldId>(i)) << other;
      }
    if (!name.empty()) {
      EXPECT_NE(field_id(name + "s"), static_cast<FieldId>(i)) << name;
    }
  }
}

TEST(FieldName, EveryNewSpellingOfXForwardedIsOneOfTheirs) {
  EXPECT_EQ(field_id("X-Forwarded-Prefix"), FieldId::x_forwarded_other);
  EXPECT_EQ(field_id("x-forwarded-for-anything-one-may-think-of-tomorrow"), FieldId::x_forwarded_other);
  EXPECT_EQ(field_id("x-forwarded"), FieldId::other);
  EXPECT_EQ(field_id("x"), FieldId::other);
  EXPECT_EQ(field_id(std::string(300, 'a')), FieldId::other);
}

}  // namespace
}  // namespace gatehouse::http
