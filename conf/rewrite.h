// rewrite.h: the key `rewrite`: another path in place of one that a regular expression finds, or a redirect to it.
//   The expression is RE2's (linear in time, whatever the path) and looks at the normalised path, without the query.
//   What it finds anywhere replaces the whole path; \1 or $1 in the target are its groups, \0 or $0 all it found.
//   Compiled when it is read; the parts of the target are laid out then. Pure.
//   Limits   512 bytes an expression, 256 KiB compiled, 16 a route.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"

namespace re2 {
class RE2;
}

namespace gatehouse::conf {

struct Rewrite {
  static constexpr std::size_t pattern_bytes_max = 512, program_bytes_max = 256 << 10, rewrites_max = 16;
  static constexpr int groups_max = 9;
  struct Piece {
    std::string text;  // stands before the group
    int group = -1;    // -1: none follows
    bool in_query = false;
    bool operator==(const Piece&) const = default;
  };
  std::string pattern, target;
  int code = 0;  // of a redirect; 0: the backend is asked
  std::shared_ptr<const re2::RE2> regexp;
  std::vector<Piece> pieces;
  bool has_query = false;  // the target says one: the request's follows it

  bool operator==(const Rewrite& other) const {
    return pattern == other.pattern && target == other.target && code == other.code;
  }
};

Result<Rewrite> parse_rewrite(std::string_view text);  // "^/old/(.*) /new/$1 [301]"

}  // namespace gatehouse::conf
