#include "tunnel/keyring.h"

#include <gtest/gtest.h>

namespace gatehouse::tunnel {
namespace {

constexpr auto automatic = conf::KeyFormat::automatic;

std::string bytes_of(const SecretBytes& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }

const std::string good = "ThisIsAKey-Of-Text!";

TEST(Keyring, AKeyIsAllThatFollowsTheFirstColonBlanksIncluded) {
  const KeyReading read = read_keys("a.db.b: " + good + " \r\n\n\r\nx:" + good + ":y", "k.psk", automatic);
  ASSERT_TRUE(read.findings.empty()) << read.findings.front().text();
  ASSERT_EQ(read.entries.size(), 2u);
  EXPECT_EQ(read.entries[0].identity, "a.db.b");
  EXPECT_EQ(bytes_of(read.entries[0].key), " " + good + " ");
  EXPECT_EQ(read.entries[1].identity, "x");
  EXPECT_EQ(bytes_of(read.entries[1].key), good + ":y");
  EXPECT_EQ(read.entries[1].at.line, 4u);
}

TEST(Keyring, WhatIsHexadecimalIsDecodedAndWhatIsNotIsText) {
  const std::string hex = "000102030405060708090a0b0c0d0e0f";
  const auto key = [](const std::string& text, conf::KeyFormat format = automatic) {
    KeyReading read = read_keys("i:" + text, "k", format);
    return read.entries.empty() ? "refused: " + read.findings.front().what : bytes_of(read.entries[0].key);
  };
  std::string decoded;
  for (char c = 0; c < 16; ++c) decoded += c;
  EXPECT_EQ(key(hex), decoded);
  EXPECT_EQ(key("00:01:02:03:04:05:06:07:08:09:0A:0B:0c:0d:0e:0f"), decoded);
  EXPECT_EQ(key(hex + "0"), hex + "0");  // an odd number of digits
  EXPECT_EQ(key(hex + " "), hex + " ");  // a blank is no digit
  EXPECT_EQ(key(hex, conf::KeyFormat::ascii), hex);
  EXPECT_EQ(key(good, conf::KeyFormat::hex), "refused: the key of i is not hexadecimal");
}

TEST(Keyring, LengthsAreJudgedAfterDecoding) {
  std::string text;
  for (unsigned i = 0; i < 513; ++i) text += static_cast<char>('g' + i % 16);
  const auto good_of = [&](std::size_t size) {
    return read_keys("i:" + text.substr(0, size), "k", automatic).findings.empty();
  };
  EXPECT_FALSE(good_of(15));
  EXPECT_TRUE(good_of(16));
  EXPECT_TRUE(good_of(512));
  EXPECT_FALSE(good_of(513));
  EXPECT_FALSE(read_keys("i:00112233445566778899aabbccddee", "k", automatic).findings.empty());  // 15 bytes
  const std::string longest(255, 'x');
  EXPECT_TRUE(read_keys(longest + ":" + good, "k", automatic).findings.empty());
  EXPECT_FALSE(read_keys(longest + "x:" + good, "k", automatic).findings.empty());
}

TEST(Keyring, WhatIsNoKeyFileIsRefusedByLineAndWithoutAByteOfTheKey) {
  const struct {
    std::string text, what;
  } cases[] = {
      {"# a comment\n", "k.psk:1:1: no ':' in this line: write IDENTITY:KEY (there are no comments in a key file)"},
      {"\n:" + good, "k.psk:2:1: an empty identity: write IDENTITY:KEY"},
      {"a b:" + good, "k.psk:1:1: an identity with blanks or bytes that are not printable ASCII"},
      {"a:" + good + "\na:" + good + "2", "k.psk:2:1: a: this identity stands in the file twice; which key counts?"},
      {"a:abababababababababababababababab1",
       "k.psk:1:1: the key of a is weak: it has 3 different bytes; `gatehouse tunnel keygen` makes a good one"},
      {std::string("a:") + '\0' + good, "k.psk: a NUL byte: this is no key file"},
  };
  for (const auto& each : cases) {
    const KeyReading read = read_keys(each.text, "k.psk", automatic);
    ASSERT_EQ(read.findings.size(), 1u) << each.text;
    EXPECT_EQ(read.findings[0].text(), each.what);
    EXPECT_EQ(read.findings[0].text().find(good), std::string::npos);
  }
}

}  // namespace
}  // namespace gatehouse::tunnel
