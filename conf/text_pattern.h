// text_pattern.h: a regular expression that a route asks of a field, a parameter or a path. Pure.
//   RE2's syntax, which is Go's; found anywhere in the text unless it says ^ and $. Linear in the text, whatever the
//   expression. Patterns of one text are shared, also between tables.
//   Threads  any may match; one makes them.
//   Limits   bytes_most; of an expression's program and of what it remembers memory_most.
//   Source   RE2, https://github.com/google/re2/wiki/Syntax.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/result.h"

namespace re2 {
class RE2;
}

namespace gatehouse::conf {

class TextPattern {
 public:
  static constexpr std::size_t bytes_most = 512, memory_most = 64 << 10;

  TextPattern() = default;
  static Result<TextPattern> parse(std::string_view text);

  bool is_said() const { return compiled_ != nullptr; }
  const std::string& text() const { return text_; }
  bool is_in(std::string_view value) const;  // REQUIRES is_said()
  bool operator==(const TextPattern& other) const { return text_ == other.text_; }

 private:
  std::string text_;
  std::shared_ptr<const re2::RE2> compiled_;
};

// The expression of a text as it stands.
std::string literal_pattern(std::string_view text);

}  // namespace gatehouse::conf
