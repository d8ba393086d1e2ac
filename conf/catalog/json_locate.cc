#include "conf/catalog/json_locate.h"

#include <algorithm>
#include <optional>
#include <set>

namespace gatehouse::catalog {
namespace {

constexpr std::string_view spaces = " \t\r\n";

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
  } else {
    out += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  }
}

unsigned hex_value(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value * 16 + static_cast<unsigned>(digit & 15);
  }
  return value;
}

// Walks a valid text, value by value. Past the end it stands still.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) { skip_spaces(); }

  std::size_t offset() const { return at_; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() { at_ = std::min(text_.find_first_not_of(spaces, at_), text_.size()); }

  // Takes an opening bracket; false: the value is another.
  bool enter(char bracket) {
    if (peek() != bracket) return false;
    ++at_;
    skip_spaces();
    return true;
  }

  // After a value, or at the beginning: whether another one follows before the closing bracket, which is taken.
  bool more(char closing) {
    if (peek() == ',') {
      ++at_;
      skip_spaces();
      return at_ < text_.size();
    }
    if (peek() == closing) {
      ++at_;
      skip_spaces();
      return false;
    }
    return at_ < text_.size();
  }

  // A member's name, with its escapes read; stands at its value then.
  std::string take_name() {
    std::string name;
    const std::string_view raw = take_string();
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\' || i + 1 == raw.size()) {
        name += raw[i];
        continue;
      }
      constexpr std::string_view escaped = "bfnrt", meant = "\b\f\n\r\t";
      const char c = raw[++i];
      if (c == 'u') {
        append_utf8(name, hex_value(raw.substr(i + 1, 4)));
        i += 4;
      } else {
        const std::size_t which = escaped.find(c);
        name += which == std::string_view::npos ? c : meant[which];
      }
    }
    skip_spaces();
    if (peek() == ':') ++at_;
    skip_spaces();
    return name;
  }

  void skip_value() {
    std::size_t depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        take_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        at_ = std::min(text_.find_first_of(" \t\r\n,]}", at_ + 1), text_.size());
      }
      skip_spaces();
    } while (depth > 0 && at_ < text_.size());
  }

 private:
  std::string_view take_string() {
    const std::size_t begin = std::min(at_ + 1, text_.size());
    std::size_t end = begin;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    end = std::min(end, text_.size());
    at_ = std::min(end + 1, text_.size());
    return text_.substr(begin, end - begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Found {
  std::size_t offset = 0;  // what a finding points at
  Cursor value;            // where the value begins
};

std::optional<Found> find_member(Cursor cursor, std::string_view name) {
  std::optional<Found> found;
  if (!cursor.enter('{')) return found;
  while (cursor.more('}')) {
    const std::size_t offset = cursor.offset();
    if (cursor.take_name() == name) found = Found{offset, cursor};
    cursor.skip_value();
  }
  return found;
}

std::optional<Found> find_element(Cursor cursor, std::size_t index) {
  if (!cursor.enter('[')) return std::nullopt;
  for (std::size_t i = 0; cursor.more(']'); ++i) {
    if (i == index) return Found{cursor.offset(), cursor};
    cursor.skip_value();
  }
  return std::nullopt;
}

// As far as the path leads.
Found locate(std::string_view text, const JsonPath& path) {
  Found found{0, Cursor(text)};
  found.offset = found.value.offset();
  for (const JsonStep& step : path) {
    const std::optional<Found> next = std::holds_alternative<std::string_view>(step)
                                          ? find_member(found.value, std::get<std::string_view>(step))
                                          : find_element(found.value, std::get<std::size_t>(step));
    if (!next) break;
    found = *next;
  }
  return found;
}

// The parser's limit on nesting (service_file.h) bounds the recursion.
void collect_duplicates(Cursor& cursor, std::size_t most, std::vector<JsonDuplicate>& out) {
  if (cursor.enter('[')) {
    while (cursor.more(']')) collect_duplicates(cursor, most, out);
  } else if (cursor.enter('{')) {
    std::set<std::string> seen;
    while (cursor.more('}')) {
      const std::size_t offset = cursor.offset();
      std::string name = cursor.take_name();
      if (seen.contains(name) && out.size() < most) out.push_back({name, offset});
      seen.insert(std::move(name));
      collect_duplicates(cursor, most, out);
    }
  } else {
    cursor.skip_value();
  }
}

}  // namespace

std::size_t json_offset(std::string_view text, const JsonPath& path) { return locate(text, path).offset; }

std::vector<std::size_t> json_elements(std::string_view text, const JsonPath& path) {
  std::vector<std::size_t> offsets;
  Cursor cursor = locate(text, path).value;
  if (!cursor.enter('[')) return offsets;
  while (cursor.more(']')) {
    offsets.push_back(cursor.offset());
    cursor.skip_value();
  }
  return offsets;
}

std::vector<JsonDuplicate> json_duplicates(std::string_view text, std::size_t most) {
  std::vector<JsonDuplicate> out;
  Cursor cursor(text);
  collect_duplicates(cursor, most, out);
  return out;
}

LineIndex::LineIndex(std::string_view text) : begins_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    begins_.push_back(at + 1);
}

conf::Position LineIndex::position(std::size_t offset, std::string file) const {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), offset);
  const auto line = static_cast<std::size_t>(after - begins_.begin());
  return {std::move(file), static_cast<unsigned>(line), static_cast<unsigned>(offset - begins_[line - 1] + 1)};
}

std::string path_text(const JsonPath& path) {
  std::string out;
  for (const JsonStep& step : path) {
    if (const std::string_view* name = std::get_if<std::string_view>(&step))
      out += (out.empty() ? "" : ".") + std::string(*name);
    else
      out += "[" + std::to_string(std::get<std::size_t>(step)) + "]";
  }
  return out;
}

}  // namespace gatehouse::catalog
