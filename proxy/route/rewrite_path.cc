#include "proxy/route/rewrite_path.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "proxy/http/bytes.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::route {
namespace {

using Groups = std::array<re2::StringPiece, conf::Rewrite::groups_max + 1>;
using Outcome = Rewritten::Outcome;

// A path's bytes as a parameter's value.
void put_escaped(std::string_view text, http::HeadWriter& out) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
    const bool plain = http::is(c, http::unreserved_byte) || c == '/' || c == '%';
    out.put(plain ? std::string_view(&c, 1) : std::string_view(escaped, sizeof escaped));
  }
}

void expand(const conf::Rewrite& rule, const Groups& groups, std::string_view query, http::HeadWriter& out) {
  for (const conf::Rewrite::Piece& piece : rule.pieces) {
    out.put(piece.text);
    if (piece.group < 0) continue;
    const re2::StringPiece& group = groups[static_cast<std::size_t>(piece.group)];
    const std::string_view text(group.data(), group.size());
    piece.in_query ? put_escaped(text, out) : out.put(text);
  }
  if (query.size() <= 1) return;  // "?"
  out.put(rule.has_query ? "&" : "?");
  out.put(query.substr(1));
}

// In front of a location "//x" would name a host to the browser.
std::string_view without_host(std::string_view location) {
  const std::size_t first = location.find_first_not_of("/\\");
  if (!location.starts_with('/') || first == 1) return location;
  return location.substr(first == std::string_view::npos ? location.size() - 1 : first - 1);
}

Rewritten redirect(const conf::Rewrite& rule, std::string_view text) {
  const bool clean =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
  if (!clean) return {.outcome = Outcome::refused};
  std::string location(text.starts_with('/') ? without_host(text) : text);
  if (text.starts_with('/')) location[0] = '/';
  return {.outcome = Outcome::redirected, .code = rule.code, .location = std::move(location)};
}

}  // namespace

Rewritten rewrite_path(std::span<const conf::Rewrite> rules, const http::Target& target, std::span<char> buffer,
                       std::span<char> scratch) {
  Groups groups;
  const re2::StringPiece path(target.path.data(), target.path.size());
  const auto rule = std::ranges::find_if(rules, [&](const conf::Rewrite& each) {
    const int count = each.regexp->NumberOfCapturingGroups() + 1;
    return each.regexp->Match(path, 0, path.size(), re2::RE2::UNANCHORED, groups.data(), count);
  });
  if (rule == rules.end() || target.path == "*") return {};
  http::HeadWriter out(buffer);
  expand(*rule, groups, target.query, out);
  if (!out.ok()) return {.outcome = Outcome::too_long};
  if (rule->code != 0) return redirect(*rule, out.text());
  if (!http::all(out.text(), http::target_byte)) return {.outcome = Outcome::refused};
  const std::optional<http::Target> result = http::normalise_target(out.text(), scratch);
  // As it stands, or not at all: dot segments of its own would lead out of what the rule names.
  if (!result || result->forward != out.text()) return {.outcome = Outcome::refused};
  return {.outcome = Outcome::rewritten, .target = *result};
}

}  // namespace gatehouse::route
