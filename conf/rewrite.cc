#include "conf/rewrite.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split_list(text, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

// Where groups may stand: behind the host of an address, so that no path names another one.
std::size_t end_of_authority(std::string_view target) {
  const std::size_t scheme = target.find("://");
  return scheme == std::string_view::npos ? 0 : target.find_first_of("/?", scheme + 3);
}

Status lay_out(Rewrite& rewrite, int groups) {
  const std::string_view target = rewrite.target;
  const std::size_t authority_end = end_of_authority(target);
  Rewrite::Piece piece;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    const bool marks = (c == '\\' || c == '$') && i + 1 < target.size();
    if (!marks || target[i + 1] < '0' || target[i + 1] > '9') {
      if (c == '\\') return invalid(rewrite.target + ": behind \\ a group's number is due, as in \\1");
      rewrite.has_query = rewrite.has_query || c == '?';
      piece.text += c;
      continue;
    }
    piece.group = target[++i] - '0';
    if (piece.group > groups)
      return invalid(rewrite.target + ": the expression has no group " + std::to_string(piece.group));
    if (i < authority_end) return invalid(rewrite.target + ": a group may stand behind the host alone");
    piece.in_query = rewrite.has_query;
    rewrite.pieces.push_back(std::exchange(piece, {}));
  }
  if (!piece.text.empty()) rewrite.pieces.push_back(std::move(piece));
  return Done{};
}

Status check_target(const Rewrite& rewrite) {
  const std::string& target = rewrite.target;
  const bool absolute = target.starts_with("https://") || target.starts_with("http://");
  if (absolute && rewrite.code == 0)
    return invalid(target + ": another host is reached by a redirect: write its code behind, as in 301");
  if (!absolute && !target.starts_with('/')) return invalid(target + ": a path begins with /");
  if (target.find('#') != std::string::npos) return invalid(target + ": write it without #…");
  return Done{};
}

}  // namespace

Result<Rewrite> parse_rewrite(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 2 && words.size() != 3)
    return invalid(std::string(text) + ": write EXPRESSION TARGET [CODE], as in ^/old/(.*) /new/$1 301");
  Rewrite rewrite;
  rewrite.pattern = words[0];
  rewrite.target = words[1];
  if (words.size() == 3) {
    constexpr std::array codes{"301", "302", "303", "307", "308"};
    if (std::ranges::find(codes, words[2]) == codes.end())
      return invalid(std::string(words[2]) + ": write 301, 302, 303, 307 or 308");
    rewrite.code = static_cast<int>(*parse_number(words[2], 301, 308));
  }
  if (rewrite.pattern.size() > Rewrite::pattern_bytes_max)
    return invalid("the expression is longer than " + std::to_string(Rewrite::pattern_bytes_max) + " bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(Rewrite::program_bytes_max);
  auto regexp = std::make_shared<const re2::RE2>(re2::StringPiece(rewrite.pattern), options);
  if (!regexp->ok()) return invalid(rewrite.pattern + ": " + std::string(regexp->error()));
  if (regexp->NumberOfCapturingGroups() > Rewrite::groups_max)
    return invalid(rewrite.pattern + ": has more than 9 groups; write (?:…) for those that are not used");
  if (Status good = check_target(rewrite); !good) return good.error();
  if (Status good = lay_out(rewrite, regexp->NumberOfCapturingGroups()); !good) return good.error();
  rewrite.regexp = std::move(regexp);
  return rewrite;
}

}  // namespace gatehouse::conf
