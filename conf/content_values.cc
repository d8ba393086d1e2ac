#include "conf/content_values.h"

#include <algorithm>
#include <array>
#include <optional>

#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

constexpr std::size_t index_names_most = 16, patterns_most = 64, types_most = 64;

struct CodingName {
  std::string_view name, suffix;
  ContentCoding coding;
};
constexpr std::array<CodingName, content_coding_count> coding_names{{{"br", ".br", ContentCoding::brotli},
                                                                     {"zstd", ".zst", ContentCoding::zstd},
                                                                     {"gzip", ".gz", ContentCoding::gzip}}};

Status add_coding(std::vector<ContentCoding>& into, std::string_view name) {
  for (const CodingName& each : coding_names) {
    if (each.name != name) continue;
    if (std::find(into.begin(), into.end(), each.coding) != into.end())
      return invalid(std::string(name) + ": is said twice");
    return into.push_back(each.coding), Done{};
  }
  return invalid(std::string(name) + ": write br, zstd or gzip");
}

Error unknown_option(const std::string& name, std::span<const std::string_view> known) {
  if (const std::string_view near = nearest(name, known); !near.empty())
    return invalid(name + ": unknown option; did you mean " + std::string(near) + "?");
  std::string what = name + ": unknown option; write one of";
  for (const std::string_view option : known) what += " " + std::string(option);
  return invalid(what);
}

Status named(const Option& option, const Status& status) {
  return status ? status : Status(invalid(option.name + "=" + status.error().what));
}

// ---- files

// A path below the folder, or the name of a file in it: nothing that could lead out, and nothing that is never
// served.
bool is_servable(std::string_view path) {
  for (const std::string_view part : split_list(path, '/'))
    if (part.empty() || part.front() == '.') return false;
  return true;
}

Result<std::string> cache_control(std::string_view text) {
  if (text == "no-cache" || text == "no-store") return std::string(text);
  if (text == "immutable") return std::string("public, max-age=31536000, immutable");
  const Result<Millis> time = parse_duration(text);
  if (!time || *time > std::chrono::hours(24 * 3650))
    return invalid(std::string(text) + ": write a duration up to 3650d, no-cache, no-store or immutable");
  return "max-age=" + std::to_string(std::chrono::duration_cast<Seconds>(*time).count());
}

Status add_cache_rules(Files& files, std::string_view text) {
  for (const std::string_view rule : split_list(text)) {
    const std::size_t colon = rule.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
      return invalid(std::string(rule) + ": write PATTERN:TIME, as in *.jpg:30d");
    Result<std::string> control = cache_control(rule.substr(colon + 1));
    if (!control) return control.error();
    if (files.cache.size() == patterns_most)
      return invalid("more than " + std::to_string(patterns_most) + " patterns; write fewer");
    files.cache.push_back({std::string(rule.substr(0, colon)), std::move(*control)});
  }
  return Done{};
}

Status set_index(Files& files, std::string_view text) {
  files.index.clear();
  for (const std::string_view name : split_list(text)) {
    if (!is_servable(name) || name.find('/') != std::string_view::npos)
      return invalid(std::string(name) + ": write names of files, as in index.html,index.htm");
    if (files.index.size() == index_names_most)
      return invalid("more than " + std::to_string(index_names_most) + " names; write fewer");
    files.index.emplace_back(name);
  }
  return Done{};
}

Status set_fallback(Files& files, std::string_view text) {
  if (!text.starts_with('/') || !is_servable(text.substr(1)))
    return invalid(std::string(text) + ": write a file's path below the folder, as in /index.html");
  files.fallback = text;
  return Done{};
}

Status set_files_option(Files& files, const Option& option) {
  constexpr std::array<std::string_view, 4> known{"precompressed", "cache", "index", "try"};
  if (option.name == "cache") return add_cache_rules(files, option.value);
  if (option.name == "index") return set_index(files, option.value);
  if (option.name == "try") return set_fallback(files, option.value);
  if (option.name != "precompressed") return unknown_option(option.name, known);
  files.precompressed.clear();
  for (const std::string_view name : split_list(option.value))
    if (const Status status = add_coding(files.precompressed, name); !status) return status;
  return Done{};
}

// ---- compress

Status set_types(Compress& compress, std::string_view text) {
  compress.types.clear();
  for (const std::string_view type : split_list(text)) {
    const std::size_t slash = type.find('/');
    const std::string_view below = slash == std::string_view::npos ? "" : type.substr(slash + 1);
    const std::string_view kind = type.substr(0, slash);
    if (!is_token(kind) || !is_token(below))
      return invalid(std::string(type) + ": write media types as in text/*,application/json");
    const bool star = kind.find('*') != std::string_view::npos || below.find('*') != std::string_view::npos;
    if (star && (below != "*" || (kind != "*" && kind.find('*') != std::string_view::npos)))
      return invalid(std::string(type) + ": * stands for all of a kind, as in text/*, or for all: */*");
    if (compress.types.size() == types_most)
      return invalid("more than " + std::to_string(types_most) + " types; write fewer");
    std::string& lower = compress.types.emplace_back(type);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  }
  return Done{};
}

Status set_compress_option(Compress& compress, const Option& option) {
  constexpr std::array<std::string_view, 3> known{"level", "types", "min"};
  if (option.name == "types") return set_types(compress, option.value);
  if (option.name == "level") {
    const Result<unsigned> level = parse_number(option.value, 1, 9);
    return level ? (compress.level = *level, Status(Done{})) : Status(level.error());
  }
  if (option.name != "min") return unknown_option(option.name, known);
  const Result<std::uint64_t> size = parse_size(option.value);
  return size ? (compress.size_least = *size, Status(Done{})) : Status(size.error());
}

}  // namespace

std::string_view name_of(ContentCoding coding) {
  for (const CodingName& each : coding_names)
    if (each.coding == coding) return each.name;
  return {};
}

std::string_view suffix_of(ContentCoding coding) {
  for (const CodingName& each : coding_names)
    if (each.coding == coding) return each.suffix;
  return {};
}

Result<Files> parse_files(std::string_view text) {
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return words.error();
  Files files;
  files.folder = words->head;
  for (const Option& option : words->options) {
    const bool known =
        option.name == "precompressed" || option.name == "cache" || option.name == "index" || option.name == "try";
    const Status status = set_files_option(files, option);
    if (!status) return known ? named(option, status).error() : status.error();
  }
  return files;
}

Result<Compress> parse_compress(std::string_view text) {
  if (text == "off") return Compress{};
  if (const Status plain = check_plain(text); !plain) return plain.error();
  Compress compress;
  // The codings stand in front, as words; what has a "=" in it begins the options.
  std::string_view rest = text;
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.empty() || word.find('=') != std::string_view::npos) break;
    for (const std::string_view name : split_list(word))
      if (const Status status = add_coding(compress.codings, name); !status)
        return invalid(status.error().what + ", as in zstd br gzip, or off");
    rest.remove_prefix(word.size());
  }
  if (compress.codings.empty()) return invalid(std::string(text) + ": write codings, as in zstd br gzip, or off");
  const Result<Words> words = parse_words(rest, Head::none);
  if (!words) return words.error();
  for (const Option& option : words->options) {
    const bool known = option.name == "level" || option.name == "types" || option.name == "min";
    const Status status = set_compress_option(compress, option);
    if (!status) return known ? named(option, status).error() : status.error();
  }
  return compress;
}

bool fits_pattern(std::string_view name, std::string_view pattern) {
  std::size_t n = 0, p = 0, star = std::string_view::npos, star_at = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_at = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++n, ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_at;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace gatehouse::conf
