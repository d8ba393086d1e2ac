#include "conf/catalog/entry_filter.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse::catalog {
namespace {

constexpr unsigned nesting_most = 16;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool ends_word(char c) { return is_space(c) || std::string_view("()[].=!\"`").find(c) != std::string_view::npos; }

// What a selector names of the instance: one text (or none), or a list, of which a map is that of its keys.
struct Named {
  bool is_list = false;
  std::optional<std::string> text;
  std::vector<std::string> list;
};

// Reads and judges at once: both sides of "and" and "or" are read whatever the first one says.
class Filter {
 public:
  Filter(std::string_view text, const conf::Instance& instance) : rest_(text), instance_(instance) {}

  Result<bool> judge() {
    const bool in = alternatives();
    skip_space();
    if (!rest_.empty()) fail("\"" + std::string(rest_.substr(0, 20)) + "\" is not understood");
    if (!wrong_.empty()) return invalid(wrong_);
    return in;
  }

 private:
  bool fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
    rest_ = {};
    return false;
  }

  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }

  bool take(std::string_view symbol) {
    skip_space();
    if (!rest_.starts_with(symbol)) return false;
    rest_.remove_prefix(symbol.size());
    return true;
  }

  std::string_view next_word() {
    skip_space();
    return rest_.substr(0, static_cast<std::size_t>(std::ranges::find_if(rest_, ends_word) - rest_.begin()));
  }

  bool take_word(std::string_view word) {
    if (next_word() != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool alternatives() {
    bool in = conjunction();
    while (take_word("or")) in = conjunction() || in;
    return in;
  }

  bool conjunction() {
    bool in = one();
    while (take_word("and")) in = one() && in;
    return in;
  }

  bool one() {
    if (++nesting_ > nesting_most) return fail("is nested too deeply");
    const bool in = take_word("not") ? !one() : take("(") ? in_parentheses() : match();
    --nesting_;
    return in;
  }

  bool in_parentheses() {
    const bool in = alternatives();
    return take(")") ? in : fail("a parenthesis is not closed");
  }

  bool match() {
    skip_space();
    if (rest_.starts_with("\"") || rest_.starts_with("`")) {
      const std::string value = literal();
      const bool negated = take_word("not");
      if (!take_word("in")) return fail("after a value stands in or not in");
      return contains(selector(), value) != negated;
    }
    const Named named = selector();
    if (take("==")) return equals(named, literal());
    if (take("!=")) return !equals(named, literal());
    if (take_word("is")) return emptiness(named);
    const bool negated = take_word("not");
    if (take_word("contains")) return contains(named, literal()) != negated;
    const std::string_view word = next_word();
    return fail("\"" + std::string(word.empty() ? rest_.substr(0, 1) : word) + "\" is not carried");
  }

  bool emptiness(const Named& named) {
    const bool negated = take_word("not");
    if (!take_word("empty")) return fail("after is stands empty or not empty");
    const bool empty = named.is_list ? named.list.empty() : named.text.value_or("").empty();
    return empty != negated;
  }

  bool equals(const Named& named, const std::string& value) {
    return named.is_list ? fail("a list is equal to no text") : named.text == value;
  }

  bool contains(const Named& named, const std::string& value) {
    if (named.is_list) return std::ranges::find(named.list, value) != named.list.end();
    return named.text && named.text->find(value) != named.text->npos;
  }

  // "quoted", `quoted`, or a word with its dots, as in 1.2.
  std::string literal() {
    skip_space();
    if (rest_.starts_with("\"") || rest_.starts_with("`")) {
      const std::size_t end = rest_.find(rest_.front(), 1);
      std::string value(rest_.substr(1, end == rest_.npos ? end : end - 1));
      if (end == rest_.npos || value.find('\\') != value.npos) return fail("a text is not closed, or escaped"), "";
      rest_.remove_prefix(end + 1);
      return value;
    }
    std::string value;
    for (;;) {
      const std::string_view word = next_word();
      value += word;
      rest_.remove_prefix(word.size());
      if (!rest_.starts_with(".")) break;
      value += '.';
      rest_.remove_prefix(1);
    }
    if (value.empty()) fail("a value is missing");
    return value;
  }

  // The part after a selector's name: ".key" or ["key"].
  std::string key() {
    if (take("[")) {
      std::string name = literal();
      return take("]") ? name : (fail("[ is not closed"), "");
    }
    if (!take(".")) return "";
    std::string name(next_word());
    rest_.remove_prefix(name.size());
    return name;
  }

  Named selector() {
    const std::string_view of = next_word();
    rest_.remove_prefix(of.size());
    const std::string name = std::string(of) + "." + key();
    const auto text = [](const std::string& value) { return Named{.text = value, .list = {}}; };
    if (name == "Service.Tags") return {.is_list = true, .text = {}, .list = instance_.tags};
    if (name == "Service.ID") return text(instance_.id);
    if (name == "Service.Service") return text(instance_.service);
    if (name == "Node.Node") return text(instance_.node);
    if (name == "Node.Datacenter") return text(instance_.datacenter);
    if (name == "Service.Meta") return meta();
    fail(name + " is not known here");
    return {};
  }

  Named meta() {
    Named named;
    if (rest_.starts_with(".") || rest_.starts_with("[")) {
      const auto found = instance_.meta.find(key());
      if (found != instance_.meta.end()) named.text = found->second;
      return named;
    }
    named.is_list = true;
    for (const auto& [name, value] : instance_.meta) named.list.push_back(name);
    return named;
  }

  std::string_view rest_;
  const conf::Instance& instance_;
  std::string wrong_;
  unsigned nesting_ = 0;
};

}  // namespace

Result<bool> is_in_subset(std::string_view filter, const conf::Instance& instance) {
  if (filter.size() > filter_bytes_most)
    return invalid("a filter has at most " + std::to_string(filter_bytes_most) + " bytes");
  if (filter.find_first_not_of(" \t\r\n") == filter.npos) return true;
  return Filter(filter, instance).judge();
}

}  // namespace gatehouse::catalog
