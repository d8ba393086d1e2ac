#include "conf/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "net/ip.h"

namespace gatehouse::conf {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 6> duration_units{{{"w", 7ull * 24 * 3600 * 1000},
                                              {"d", 24ull * 3600 * 1000},
                                              {"h", 3600ull * 1000},
                                              {"m", 60ull * 1000},
                                              {"s", 1000},
                                              {"ms", 1}}};
constexpr std::array<Unit, 9> size_units{{{"TiB", 1ull << 40},
                                          {"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"TB", 1000ull * 1000 * 1000 * 1000},
                                          {"GB", 1000ull * 1000 * 1000},
                                          {"MB", 1000ull * 1000},
                                          {"kB", 1000},
                                          {"B", 1}}};
constexpr std::uint64_t duration_max = 10ull * 365 * 24 * 3600 * 1000;

// Takes the leading digits of text off; nullopt-like by returning false.
bool take_number(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(end - text.data());
  return true;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "1 minute" is 1m; empty: can't be told.
std::string duration_meant(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"weeks", "w"}, {"days", "d"},    {"hours", "h"}, {"minutes", "m"}, {"mins", "m"},
      {"secs", "s"},  {"seconds", "s"}, {"ms", "ms"},   {"msecs", "ms"},  {"milliseconds", "ms"}};
  std::uint64_t number = 0;
  if (!take_number(text, number) || number > duration_max) return {};
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  for (const auto& [word, unit] : words)
    if (!text.empty() && word.starts_with(text)) return std::to_string(number) + std::string(unit);
  if (!text.empty() && std::string_view("years").starts_with(text)) return std::to_string(number * 365) + "d";
  return {};
}

// "1.5s" is 1500ms; empty: no fraction, or of a millisecond.
std::string fraction_meant(std::string_view text) {
  std::uint64_t whole = 0, part = 0, scale = 1;
  take_number(text, whole);
  if (!text.starts_with('.')) return {};
  text.remove_prefix(1);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const Unit* unit = find_unit(duration_units, text.substr(digits));
  if (unit == nullptr || digits > 6 || whole > 1000 || !take_number(text, part)) return {};
  for (std::size_t i = 0; i < digits; ++i) scale *= 10;
  if (part * unit->factor % scale != 0) return {};
  return duration_text(Millis(whole * unit->factor + part * unit->factor / scale));
}

Error bad_duration(std::string_view text) {
  if (const std::string meant = duration_meant(text); !meant.empty())
    return invalid(std::string(text) + ": write " + meant);
  if (const std::string meant = fraction_meant(text); !meant.empty())
    return invalid(std::string(text) + ": a duration has whole numbers; write " + meant);
  if (text.size() > 1 && text.front() == '-' && is_digit(text[1]))
    return invalid(std::string(text) + ": a duration can't be negative");
  const std::string_view unit = text.substr(std::min(text.find_first_not_of("0123456789"), text.size()));
  const bool is_word =
      !unit.empty() && unit.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
  if (is_word && unit.size() < text.size() && find_unit(duration_units, unit) == nullptr)
    return invalid(std::string(text) + ": there is no unit " + std::string(unit) + "; write ms, s, m, h, d or w");
  return invalid(std::string(text) + ": a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d");
}

Error bad_size(std::string_view text) {
  return invalid(std::string(text) + ": not a size; write it as in 512, 64KiB, 10MB, 2GiB");
}

// What a name is made of: "connect_timeout" of connect and timeout.
class Parts {
 public:
  explicit Parts(std::string_view name) {
    for (std::size_t from = 0; from < name.size();) {
      const std::size_t to = std::min(name.find_first_of("_-.", from), name.size());
      if (to > from) parts_.emplace_back(name.substr(from, to - from));
      joined_ += name.substr(from, to - from);
      from = to + 1;
    }
    std::sort(parts_.begin(), parts_.end());
  }

  // The parts in another order, the beginning of the whole, or some of the parts.
  bool could_be(const Parts& known) const {
    constexpr std::size_t telling = 4;  // letters: fewer begin too much
    if (joined_.size() < telling) return false;
    return known.joined_.starts_with(joined_) ||
           std::includes(known.parts_.begin(), known.parts_.end(), parts_.begin(), parts_.end());
  }

 private:
  std::vector<std::string> parts_;  // sorted
  std::string joined_;
};

// Letters added, left out, changed or swapped with their neighbour (optimal string alignment).
unsigned edit_distance(std::string_view a, std::string_view b) {
  std::vector<unsigned> two_above, above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_above = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  std::string_view rest = text;
  std::uint64_t total = 0;
  if (rest.empty()) return bad_duration(text);
  while (!rest.empty()) {
    std::uint64_t number = 0;
    if (!take_number(rest, number)) return bad_duration(text);
    const std::size_t end = std::min(rest.find_first_of("0123456789"), rest.size());
    const Unit* unit = find_unit(duration_units, rest.substr(0, end));
    if (unit == nullptr) return bad_duration(text);
    if (number > duration_max / unit->factor || (total += number * unit->factor) > duration_max)
      return invalid(std::string(text) + ": longer than ten years");
    rest.remove_prefix(end);
  }
  return Millis(total);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  std::uint64_t number = 0;
  if (!take_number(rest, number)) return bad_size(text);
  if (rest.empty()) return number;
  const Unit* unit = find_unit(size_units, rest);
  if (unit == nullptr) return bad_size(text);
  if (number > (1ull << 62) / unit->factor) return invalid(std::string(text) + ": larger than 4 EiB");
  return number * unit->factor;
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return invalid(std::string(text) + ": write true or false");
}

Result<unsigned> parse_number(std::string_view text, unsigned least, unsigned most) {
  std::string_view rest = text;
  std::uint64_t number = 0;
  if (!take_number(rest, number) || !rest.empty() || number < least || number > most)
    return invalid(std::string(text) + ": write a number from " + std::to_string(least) + " to " +
                   std::to_string(most));
  return static_cast<unsigned>(number);
}

Result<unsigned> parse_percent(std::string_view text) {
  if (text.size() < 2 || text.back() != '%') return invalid(std::string(text) + ": write a percentage, as in 20%");
  return parse_number(text.substr(0, text.size() - 1), 0, 100);
}

std::string network_meant(std::string_view text) {
  const std::string_view written = text.substr(0, text.find('/'));
  const auto address = IpAddress::parse(written);
  const auto network = IpPrefix::parse(text);
  if (!address || !network || network->address == *address) return {};
  return std::string(text) + ": holds all of " + network->text() + "; write that, or " + std::string(written) +
         " for the one address";
}

std::string duration_text(Millis value) {
  std::uint64_t left = value.count();
  if (left == 0) return "0";
  for (const Unit& unit : duration_units)
    if (left % unit.factor == 0) return std::to_string(left / unit.factor) + std::string(unit.name);
  return std::to_string(left) + "ms";
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : size_units)
    if (unit.factor % 1024 == 0 && bytes != 0 && bytes % unit.factor == 0)
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
  return std::to_string(bytes);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t word_most = 64;  // longer is no typing error, and would take long to compare
  if (word.size() > word_most) return {};
  const Parts said(word);
  std::string_view best;
  unsigned best_distance = static_cast<unsigned>((word.size() + 2) / 4) + 1;  // a quarter of the word may be wrong
  for (const std::string_view candidate : candidates) {
    const unsigned distance = edit_distance(word, candidate);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  if (!best.empty()) return best;
  for (const std::string_view candidate : candidates)
    if (said.could_be(Parts(candidate)) && (best.empty() || candidate.size() < best.size())) best = candidate;
  return best;
}

std::string did_you_mean(std::string_view nearest) {
  return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
}

}  // namespace gatehouse::conf
