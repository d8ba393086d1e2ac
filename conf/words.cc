#include "conf/words.h"

#include <algorithm>
#include <optional>

namespace gatehouse::conf {
namespace {

// Takes the next word off text, its quotes removed; nullopt: a quote is not closed.
std::optional<std::string> take_word(std::string_view& text) {
  std::string word;
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size() && (quoted || text[i] != ' '); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (quoted && text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      word += text[++i];
    } else {
      word += text[i];
    }
  }
  if (quoted) return std::nullopt;
  text.remove_prefix(i);
  return word;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Status check_plain(std::string_view text) {
  if (text.size() > setting_bytes_max)
    return invalid("longer than " + std::to_string(setting_bytes_max) + " bytes; split it");
  if (std::any_of(text.begin(), text.end(), is_control))
    return invalid("holds a control character; write it without");
  return Done{};
}

std::string printable(std::string_view text, std::size_t most) {
  std::string out(text.substr(0, most));
  std::replace_if(out.begin(), out.end(), is_control, '?');
  return text.size() > most ? out + "…" : out;
}

std::string quoted_word(std::string_view word) {
  if (!word.empty() && word.find_first_of(" \"\\") == std::string_view::npos) return std::string(word);
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

Result<Words> parse_words(std::string_view text, Head head) {
  if (const Status plain = check_plain(text); !plain) return plain.error();
  Words words;
  bool first = head == Head::required;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    std::optional<std::string> word = take_word(text);
    if (!word) return invalid("a quote is not closed");
    if (std::exchange(first, false)) {
      words.head = std::move(*word);
      continue;
    }
    const std::size_t equals = word->find('=');
    if (equals == 0 || equals == std::string::npos) return invalid(*word + ": write options as NAME=VALUE");
    words.options.push_back({word->substr(0, equals), word->substr(equals + 1)});
  }
  if (words.head.empty() && head == Head::required) return invalid("is empty");
  return words;
}

std::vector<std::string_view> split_list(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_token(std::string_view text) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace gatehouse::conf
