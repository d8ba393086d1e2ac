// The tables must find what looking at every route finds: random routes and requests from a small alphabet.
#include <algorithm>
#include <tuple>

#include "net/dice.h"
#include "tests/unit/proxy/route/routes.h"

namespace gatehouse::route {
namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : dice_(seed) {}
  std::uint64_t below(std::uint64_t n) { return dice_.roll() % n; }
  std::string name(std::uint64_t labels) {
    std::string out;
    for (std::uint64_t i = 0; i < labels; ++i) out += (i ? "." : "") + std::string(1, "abc"[below(3)]);
    return out;
  }
  std::string pattern() {
    static const std::string stars[] = {"", "*.", "**."};
    return below(8) == 0 ? "" : stars[below(3)] + name(1 + below(3));
  }
  std::string path(std::uint64_t depth) {
    std::string out;
    for (std::uint64_t i = 0; i < depth; ++i) out += std::string("/") + "xyz"[below(3)];
    return out.empty() ? "/" : out;
  }
  std::uint16_t port() { return static_cast<std::uint16_t>(below(3) * 40); }
  Line line(std::size_t i) {
    Line line{"s" + std::to_string(i), pattern(), path(below(4)), port()};
    if (below(4) == 0) line.methods = {below(2) ? "GET" : "POST"};
    if (below(4) == 0) line.headers = {{"h", below(2) ? "1" : ""}};
    if (below(8) == 0) line.refused = "refused";
    return line;
  }

 private:
  Dice dice_;
};

struct Asked {
  std::string host, path, method, field;  // field: the value of "h"; "-": not there
  std::uint16_t port;
};

bool host_fits(const std::string& pattern, const std::string& host) {
  if (pattern.empty()) return true;
  if (!pattern.starts_with("*")) return pattern == host;
  const auto suffix = pattern.substr(pattern.find('.'));
  if (!host.ends_with(suffix) || host.size() == suffix.size()) return false;
  return pattern.starts_with("**") || host.substr(0, host.size() - suffix.size()).find('.') == host.npos;
}

bool fits(const Line& line, const Asked& asked) {
  if (!host_fits(line.host, asked.host) || (line.port != 0 && line.port != asked.port)) return false;
  if (line.path != "/" && asked.path != line.path && !asked.path.starts_with(line.path + "/")) return false;
  if (!line.methods.empty() && line.methods[0] != asked.method) return false;
  return line.headers.empty() ||
         (asked.field != "-" && (line.headers[0].value.empty() || line.headers[0].value == asked.field));
}

// The order of matcher.h's opening comment, greater first.
auto rank(const Line& line) {
  const int kind = line.host.empty() ? 0 : line.host.starts_with("**") ? 1 : line.host.starts_with("*") ? 2 : 3;
  const auto labels = std::ranges::count(line.host, '.');
  const auto width = kind == 3 ? std::ptrdiff_t{100} : labels;  // exact first, then the longest suffix
  return std::tuple(width, kind, line.port != 0, line.path == "/" ? 0 : std::ranges::count(line.path, '/'),
                    line.methods.size() + line.headers.size(), line.refused.empty());
}

TEST(MatcherTables, FindWhatLookingAtEveryRouteFinds) {
  int matched = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Maker maker(seed);
    std::vector<Line> lines;
    for (std::size_t i = 0; i < 1 + seed % 40; ++i) lines.push_back(maker.line(i));
    conf::Findings ignored;  // equal routes are said to be never taken: that is so here too
    const Matcher matcher(services_of(lines), {}, ignored);
    for (int n = 0; n < 60; ++n) {
      const Asked asked{maker.name(1 + maker.below(4)), maker.path(maker.below(5)), maker.below(2) ? "GET" : "POST",
                        maker.below(3) ? "1" : "-", static_cast<std::uint16_t>(40 * maker.below(3))};
      const Line* best = nullptr;
      for (const auto& line : lines) {
        if (fits(line, asked) && (!best || rank(line) > rank(*best))) best = &line;
      }
      const auto has = [&](const conf::HeaderMatch& field) {
        return asked.field != "-" && field.accepts(asked.field);
      };
      RouteRequest request{.host = asked.host, .port = asked.port, .path = asked.path, .method = asked.method};
      request.has_field = has;
      const auto match = matcher.match(request);
      ASSERT_EQ(taken(match), best ? best->service : "") << "seed " << seed << ' ' << asked.host << asked.path;
      const auto known = [&](const Line& line) { return !line.host.empty() && host_fits(line.host, asked.host); };
      ASSERT_EQ(match.host_known, std::ranges::any_of(lines, known)) << "seed " << seed << ' ' << asked.host;
      matched += best != nullptr;

      std::string explained;  // explain walks the same order by itself
      for (const auto& candidate : matcher.explain(request)) {
        if (candidate.verdict == "taken") explained = candidate.target->owner->name;
      }
      ASSERT_EQ(explained, taken(match)) << "seed " << seed;
    }
  }
  EXPECT_GT(matched, 5000);  // the alphabet is small enough to be a test
}

}  // namespace
}  // namespace gatehouse::route
