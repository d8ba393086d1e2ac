#include "conf/catalog/traefik_rule.h"

#include <algorithm>
#include <optional>

namespace gatehouse::catalog {
namespace {

using Alternatives = std::vector<RuleAlternative>;

constexpr std::size_t depth_max = 32, alternatives_max = 64, terms_max = 64;

// Whose several values stand for any of them.
bool takes_any_of(std::string_view matcher) {
  constexpr std::string_view names[] = {"host",       "hostheader", "hostregexp", "hostsni", "path",
                                        "pathprefix", "pathregexp", "method",     "clientip"};
  return std::find(std::begin(names), std::end(names), matcher) != std::end(names);
}

class Parser {
 public:
  explicit Parser(std::string_view rule) : rest_(rule) {}

  Result<Alternatives> run() {
    Alternatives out = any(false, 0);
    skip_blanks();
    if (wrong_.empty() && !rest_.empty()) wrong_ = "something is left over at " + std::string(rest_.substr(0, 20));
    if (!wrong_.empty()) return invalid(wrong_);
    return out;
  }

 private:
  // a || b; negated, !a && !b.
  Alternatives any(bool negated, std::size_t depth) {
    if (depth > depth_max) return fail("too many brackets");
    Alternatives out = all(negated, depth);
    while (take("||")) out = negated ? both(out, all(negated, depth)) : either(std::move(out), all(negated, depth));
    return out;
  }

  Alternatives all(bool negated, std::size_t depth) {
    Alternatives out = one(negated, depth);
    while (take("&&")) out = negated ? either(std::move(out), one(negated, depth)) : both(out, one(negated, depth));
    return out;
  }

  Alternatives one(bool negated, std::size_t depth) {
    while (take("!")) negated = !negated;
    if (!take("(")) return matcher(negated);
    Alternatives out = any(negated, depth + 1);
    if (!take(")")) return fail("a bracket is not closed");
    return out;
  }

  Alternatives matcher(bool negated) {
    RuleTerm term{.negated = negated};
    skip_blanks();
    for (; !rest_.empty() && is_letter(rest_.front()); rest_.remove_prefix(1)) term.matcher += lower(rest_.front());
    if (term.matcher.empty() || !take("(")) return fail("a matcher is due, as in Host(`a.example`)");
    if (!take(")")) {
      do {
        std::optional<std::string> value = text();
        if (!value) return fail(term.matcher + ": a value is due, as in `a.example`");
        term.values.push_back(std::move(*value));
      } while (take(","));
      if (!take(")")) return fail("a bracket is not closed");
    }
    if (!takes_any_of(term.matcher) || term.values.size() < 2) return {{term}};
    Alternatives out;
    if (negated) out.emplace_back();
    for (std::string& value : term.values) {
      if (!negated) out.emplace_back();
      out.back().push_back({term.matcher, {std::move(value)}, negated});
    }
    if (out.size() > alternatives_max || out[0].size() > terms_max) return fail("too many alternatives");
    return out;
  }

  // `as it is` or "with \" and \\".
  std::optional<std::string> text() {
    skip_blanks();
    if (rest_.empty() || (rest_.front() != '`' && rest_.front() != '"')) return std::nullopt;
    const char quote = rest_.front();
    std::string out;
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == quote) return rest_.remove_prefix(1), out;
      if (quote == '"' && rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
    }
    return std::nullopt;
  }

  Alternatives either(Alternatives a, const Alternatives& b) {
    a.insert(a.end(), b.begin(), b.end());
    if (a.size() > alternatives_max) return fail("too many alternatives");
    return a;
  }

  Alternatives both(const Alternatives& a, const Alternatives& b) {
    if (a.size() * b.size() > alternatives_max) return fail("too many alternatives");
    Alternatives out;
    for (const RuleAlternative& left : a) {
      for (const RuleAlternative& right : b) {
        if (left.size() + right.size() > terms_max) return fail("too many matchers");
        out.push_back(left);
        out.back().insert(out.back().end(), right.begin(), right.end());
      }
    }
    return out;
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool take(std::string_view sign) {
    skip_blanks();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }

  // The first thing that is wrong is told; the rest is read no further.
  Alternatives fail(std::string why) {
    if (wrong_.empty()) wrong_ = std::move(why);
    rest_ = {};
    return {};
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

  std::string_view rest_;
  std::string wrong_;
};

}  // namespace

Result<Alternatives> parse_traefik_rule(std::string_view rule) { return Parser(rule).run(); }

}  // namespace gatehouse::catalog
