#include "cli/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "proxy/http/json_text.h"

namespace gatehouse::cli {
namespace {

// Length of the well-formed UTF-8 sequence (RFC 3629) at the front; 0: there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0), second = at(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool shortest = lead != 0xe0 || second >= 0xa0, not_surrogate = lead != 0xed || second < 0xa0;
    return follows(1) && follows(2) && shortest && not_surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool in_range = (lead != 0xf0 || second >= 0x90) && (lead != 0xf4 || second < 0x90);
    return follows(1) && follows(2) && follows(3) && in_range ? 4 : 0;
  }
  return 0;
}

bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  return sequence.size() == 1 ? first < 0x20 || first == 0x7f : http::steering_code(sequence) != 0;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string number(double value, const char* unit) {
  std::array<char, 48> out;
  std::snprintf(out.data(), out.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
  return out.data();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    if (length != 0 && !is_control(sequence)) {
      out += sequence;
    } else {
      for (const char c : sequence) {
        std::array<char, 5> escaped;
        std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned char>(c));
        out += escaped.data();
      }
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

std::string harmless_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const std::string_view sequence = json.substr(0, std::max<std::size_t>(sequence_length(json), 1));
    if (const unsigned code = http::steering_code(sequence)) {
      std::array<char, 7> escaped;
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", code & 0xffff);
      out += escaped.data();
    } else {
      out += sequence;
    }
    json.remove_prefix(sequence.size());
  }
  return out;
}

std::string ago(std::int64_t ms) {
  const auto of = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
  const std::int64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (ms < 1000) return of(std::max<std::int64_t>(ms, 0), "ms");
  if (minutes == 0) return of(seconds, "s");
  if (hours == 0) return of(minutes, "min");
  if (days == 0) return of(hours, "h") + (minutes % 60 != 0 ? " " + of(minutes % 60, "min") : "");
  return of(days, "d") + (days < 10 && hours % 24 != 0 ? " " + of(hours % 24, "h") : "");
}

std::string grouped(std::uint64_t count) {
  std::string out = std::to_string(count);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
  return out;
}

std::string counted(std::int64_t count, std::string_view noun) {
  std::string out = grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
  return (out += " ").append(noun) + (count == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t count) {
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (count < 1024) return std::to_string(count) + " B";
  double value = static_cast<double>(count) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return number(value, units[unit]);
}

std::string utc_text(std::int64_t wall_ms) {
  const std::int64_t part = ((wall_ms % 1000) + 1000) % 1000;
  const auto seconds = static_cast<std::time_t>((wall_ms - part) / 1000);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return std::to_string(wall_ms);
  std::array<char, 64> date;
  const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 16> rest;
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(part));
  return std::string(date.data(), size) + rest.data();
}

std::string coloured(std::string_view text, Colour colour, bool on) {
  constexpr std::array codes = {"", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[1m"};
  if (!on || colour == Colour::none || text.empty()) return std::string(text);
  return codes[static_cast<std::size_t>(colour)] + std::string(text) + "\x1b[0m";
}

void Columns::row(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = printable(cell.text);
  while (!cells.empty() && cells.back().text.empty()) cells.pop_back();
  rows_.push_back(std::move(cells));
}

std::string Columns::text(bool coloured_too) const {
  std::vector<std::size_t> widths;
  for (const auto& cells : rows_) {
    if (cells.size() > widths.size()) widths.resize(cells.size(), 0);
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width_of(cells[i].text));
  }
  std::string out;
  for (const auto& cells : rows_) {
    out.append(indent_, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += coloured(cells[i].text, cells[i].colour, coloured_too);
      if (i + 1 < cells.size() && widths[i] != 0) out.append(widths[i] - width_of(cells[i].text) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace gatehouse::cli
