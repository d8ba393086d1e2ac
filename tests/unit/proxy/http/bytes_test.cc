#include "proxy/http/bytes.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

// Texts of every length up to 70, mostly of good bytes, so that stops fall everywhere in the 16-byte windows.
template <class Check>
void on_many_texts(std::string_view good, Check check) {
  std::mt19937 dice(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text(dice() % 71, 0);
    for (char& c : text) c = dice() % 40 == 0 ? static_cast<char>(dice()) : good[dice() % good.size()];
    check(text);
  }
}

TEST(Bytes, TheFastWalksStopWhereTheTablesDo) {
  on_many_texts("abc-XYZ019/._", [](const std::string& text) {
    const char *begin = text.data(), *end = begin + text.size();
    for (const char* p = begin; p <= end && p < begin + 20; ++p) {
      ASSERT_EQ(skip_value(begin, p, end), portable::skip(p, end, value_byte)) << text;
      ASSERT_EQ(skip_target(begin, p, end), portable::skip(p, end, target_byte)) << text;
      ASSERT_EQ(skip_plain_json(begin, p, end), portable::skip(p, end, plain_json_byte)) << text;
      bool odd = false, portable_odd = false;
      ASSERT_EQ(skip_name(p, end, odd), portable::skip_name(p, end, portable_odd)) << text;
      ASSERT_EQ(odd, portable_odd) << text;
      ASSERT_EQ(skip_plain_path(p, end), portable::skip_plain_path(p, end)) << text;
    }
  });
}

TEST(Bytes, EveryByteIsJudgedAlikeAtEveryPlaceOfAWindow) {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 33; ++at) {
      std::string text(33, 'a');
      text[at] = static_cast<char>(byte);
      const char *begin = text.data(), *end = begin + text.size();
      ASSERT_EQ(skip_value(begin, begin, end), portable::skip(begin, end, value_byte)) << byte;
      ASSERT_EQ(skip_target(begin, begin, end), portable::skip(begin, end, target_byte)) << byte;
      ASSERT_EQ(skip_plain_json(begin, begin, end), portable::skip(begin, end, plain_json_byte)) << byte;
      bool odd = false, portable_odd = false;
      ASSERT_EQ(skip_name(begin, end, odd), portable::skip_name(begin, end, portable_odd)) << byte;
      ASSERT_EQ(odd, portable_odd) << byte;
    }
}

TEST(Bytes, ClassesAreThoseOfTheRfcs) {
  const auto count = [](std::uint8_t byte_class) {
    int n = 0;
    for (const auto c : byte_classes) n += (c & byte_class) != 0;
    return n;
  };
  EXPECT_EQ(count(token_byte), 15 + 10 + 52);
  EXPECT_EQ(count(value_byte), 256 - 32 - 1 + 1);
  EXPECT_EQ(count(target_byte), 0x7f - 0x21 - 1);
  EXPECT_EQ(count(unreserved_byte), 62 + 4);
  EXPECT_EQ(count(regname_byte), 62 + 4 + 11);
  EXPECT_FALSE(is(' ', token_byte) || is(':', token_byte) || is('\0', value_byte) || is('\r', value_byte));
}

TEST(Bytes, ListsGiveTheirElementsTrimmed) {
  std::string_view list = " a ,,\tb c,";
  EXPECT_EQ(next_element(list), "a");
  EXPECT_EQ(next_element(list), "");
  EXPECT_EQ(next_element(list), "b c");
  EXPECT_EQ(list, "");
}

}  // namespace
}  // namespace gatehouse::http
