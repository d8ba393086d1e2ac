#include "ratelimit/application_event.h"

#include <algorithm>

namespace gatehouse::ratelimit {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Of a token (RFC 9110 5.6.2), with what RFC 8941 3.3.4 lets stand in one.
bool is_token_char(char c) {
  const char small = static_cast<char>(c | 0x20);
  return (small >= 'a' && small <= 'z') || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~:/@").find(c) != std::string_view::npos;
}
bool is_printable(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    return cut(static_cast<std::size_t>(end - rest_.begin()));
  }
  // What stands within the quotes. None: they don't close, or something is in them that nobody can print.
  std::optional<std::string_view> quoted() {
    for (std::size_t i = 0; i < rest_.size() && is_printable(rest_[i]); ++i) {
      if (rest_[i] == '\\') {
        ++i;
        continue;
      }
      if (rest_[i] != '"') continue;
      const std::string_view text = cut(i);
      rest_.remove_prefix(1);
      return text;
    }
    return std::nullopt;
  }

 private:
  std::string_view cut(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view rest_;
};

bool read_weight(std::string_view text, unsigned& weight) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  weight = 0;
  for (const char c : text)
    weight = std::min(weight * 10 + static_cast<unsigned>(c - '0'), ApplicationEvent::weight_max);
  return weight > 0;
}

// One "; name=value".
bool read_parameter(Reader& in, ApplicationEvent& out) {
  in.skip_spaces();
  const std::string_view name = in.token();
  if (name.empty() || !in.take('=')) return false;
  std::string_view value;
  if (in.take('"')) {
    const auto text = in.quoted();
    if (!text) return false;
    value = *text;
  } else {
    value = in.token();
    if (value.empty()) return false;
  }
  in.skip_spaces();
  if (name == "user") out.user = value;
  return name != "w" || read_weight(value, out.weight);
}

}  // namespace

std::optional<ApplicationEvent> parse_application_event(std::string_view value) {
  if (value.size() > ApplicationEvent::bytes_max) return std::nullopt;
  Reader in(value);
  ApplicationEvent out;
  in.skip_spaces();
  out.reason = in.token();
  if (out.reason.empty()) return std::nullopt;
  in.skip_spaces();
  while (!in.at_end())
    if (!in.take(';') || !read_parameter(in, out)) return std::nullopt;
  return out;
}

}  // namespace gatehouse::ratelimit
