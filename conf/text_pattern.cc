#include "conf/text_pattern.h"

#include <unordered_map>

#include <re2/re2.h>

#include "conf/words.h"

namespace gatehouse::conf {
namespace {

using Compiled = std::shared_ptr<const re2::RE2>;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// A table is made of the same texts as the one before: what that one compiled is used again.
class Known {
 public:
  Compiled find(const std::string& text) const {
    const auto found = patterns_.find(text);
    return found == patterns_.end() ? nullptr : found->second.lock();
  }
  void add(const std::string& text, const Compiled& compiled) {
    if (patterns_.size() >= next_look_) {
      std::erase_if(patterns_, [](const auto& each) { return each.second.expired(); });
      next_look_ = 2 * patterns_.size() + 64;
    }
    patterns_[text] = compiled;
  }

 private:
  std::unordered_map<std::string, std::weak_ptr<const re2::RE2>> patterns_;
  std::size_t next_look_ = 64;
};

}  // namespace

Result<TextPattern> TextPattern::parse(std::string_view text) {
  if (text.size() > bytes_most)
    return invalid("a regular expression has at most " + std::to_string(bytes_most) + " bytes");
  if (text.empty()) return invalid("the regular expression is empty");
  static thread_local Known known;
  TextPattern out;
  out.text_ = text;
  out.compiled_ = known.find(out.text_);
  if (out.compiled_) return out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(memory_most);
  auto compiled = std::make_shared<const re2::RE2>(piece(text), options);
  if (!compiled->ok()) return invalid(printable(text, 100) + ": no regular expression: " + compiled->error());
  known.add(out.text_, compiled);
  out.compiled_ = std::move(compiled);
  return out;
}

bool TextPattern::is_in(std::string_view value) const { return re2::RE2::PartialMatch(piece(value), *compiled_); }

std::string literal_pattern(std::string_view text) { return re2::RE2::QuoteMeta(piece(text)); }

}  // namespace gatehouse::conf
