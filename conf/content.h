// content.h: what a route says of content: files that it answers from, and how answers are compressed. Plain data.
//   Defaults stand here and nowhere else. Source: docs/files.md, docs/compression.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::conf {

enum class ContentCoding : std::uint8_t { brotli, zstd, gzip };  // RFC 9110 8.4.1, RFC 7932, RFC 8878
inline constexpr std::size_t content_coding_count = 3;
std::string_view name_of(ContentCoding coding);    // as in Content-Encoding: br
std::string_view suffix_of(ContentCoding coding);  // of a file that holds it: .br

// How long files of such a name may be kept by who has fetched them.
struct CacheRule {
  std::string pattern;  // of the file's name; of its path below the folder if there is a slash in it
  std::string control;  // the value of Cache-Control
  bool operator==(const CacheRule&) const = default;
};

struct Files {
  std::string folder;                        // made absolute by the merge
  std::vector<ContentCoding> precompressed;  // looked for beside a file, in the order of preference
  std::vector<CacheRule> cache;              // the first that fits counts
  std::vector<std::string> index{"index.html"};
  std::string fallback;  // the path of the file that answers where there is none; empty: 404
  bool operator==(const Files&) const = default;
};

struct Compress {
  std::vector<ContentCoding> codings;  // in the order of preference; empty: off
  unsigned level = 4;                  // of each coding's own scale
  std::uint64_t size_least = 1 << 10;  // of a body whose length is known
  std::vector<std::string> types;      // in small letters, "text/*"; empty: the usual ones
  bool on() const { return !codings.empty(); }
  bool operator==(const Compress&) const = default;
};

}  // namespace gatehouse::conf
