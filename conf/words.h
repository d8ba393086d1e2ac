// words.h: splits a setting's text, "HEAD option=value option="a value"", into its words. Pure.
//   Words are separated by spaces. Double quotes keep spaces together; inside them \" and \\ stand for themselves.
//   Control bytes are refused, so that no value can smuggle a line into a field, a log or a page.
//   Limits: 4 KiB a setting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"

namespace gatehouse::conf {

constexpr std::size_t setting_bytes_max = 4096;

struct Option {
  std::string name, value;
  bool operator==(const Option&) const = default;
};

struct Words {
  std::string head;  // the first word, if it was asked for
  std::vector<Option> options;
};

enum class Head { required, none };

Result<Words> parse_words(std::string_view text, Head head);

// A word as parse_words reads it back.
std::string quoted_word(std::string_view word);

// Whether a text is of bearable length and without control bytes: what may be echoed and parsed at all.
Status check_plain(std::string_view text);

// For findings, which end in logs and on terminals: without control bytes, and cut at so many bytes.
std::string printable(std::string_view text, std::size_t most = 1000);

// For other programs' files: without the blanks at both ends; with small letters for ASCII's capitals.
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);

// "a,b,c" to its parts; empty parts are kept, so that the caller can refuse them.
std::vector<std::string_view> split_list(std::string_view text, char separator = ',');

bool is_token(std::string_view text);  // RFC 9110 5.6.2: a method, a field's or a cookie's name

}  // namespace gatehouse::conf
