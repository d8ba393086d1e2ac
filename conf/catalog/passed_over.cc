#include "conf/catalog/passed_over.h"

#include <algorithm>

#include "conf/catalog/spellings.h"
#include "conf/catalog/traefik_tree.h"
#include "conf/service_keys.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::size_t tag_bytes_shown = 100;

constexpr std::string_view ours = "gatehouse";

// A letter is another, missing or too much, or two have changed places.
bool is_nearly_ours(std::string_view word) {
  std::string_view a = word, b = ours;
  while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);
  while (!a.empty() && !b.empty() && a.back() == b.back()) a.remove_suffix(1), b.remove_suffix(1);
  const bool swapped = a.size() == 2 && b.size() == 2 && a[0] == b[1] && a[1] == b[0];
  return std::max(a.size(), b.size()) <= 1 || swapped;
}

std::string others(std::size_t more) {
  if (more == 0) return "";
  return "; " + std::to_string(more) + (more == 1 ? " more service has" : " more services have") + " such tags";
}

}  // namespace

bool is_misspelt(std::string_view tag) {
  const std::size_t end = tag.find_first_of(".-_:/=");
  if (end == tag.npos || end > ours.size() + 1) return false;
  if (tag.starts_with("gatehouse.")) return false;
  const std::string_view setting = tag.substr(end + 1);
  const bool is_key = conf::find_service_key(setting.substr(0, setting.find('='))) != nullptr;
  return is_key && is_nearly_ours(lower_case(tag.substr(0, end)));
}

void PassedOver::note(Kind& kind, const std::string& service, const conf::Position& at, const std::string& tag) {
  if (kind.service.empty())
    kind = {service, tag, at, 0};
  else
    ++kind.more;
}

void PassedOver::add_foreign(const std::string& service, const conf::Position& at,
                             std::span<const std::string> tags) {
  std::map<std::string_view, const std::string*> found;
  for (const std::string& tag : tags)
    if (const std::string_view spelling = spelling_of(tag); !spelling.empty() && !is_read_(spelling))
      found.emplace(spelling, &tag);
  for (const auto& [spelling, tag] : found) note(foreign_[std::string(spelling)], service, at, *tag);
}

void PassedOver::add_misspelt(const std::string& service, const conf::Position& at,
                              std::span<const std::string> tags) {
  for (const std::string& tag : tags)
    if (is_misspelt(tag)) return note(misspelt_, service, at, tag);
}

conf::Findings PassedOver::findings() const {
  conf::Findings out;
  for (const auto& [spelling, kind] : foreign_)
    out.push_back({kind.at, kind.service,
                   "the tag " + conf::printable(kind.tag, tag_bytes_shown) + " is not read: add " + spelling +
                       " to catalog.spellings to have it read" + others(kind.more),
                   conf::Severity::note});
  if (misspelt_.service.empty()) return out;
  const std::string& tag = misspelt_.tag;
  const std::string setting = tag.substr(tag.find_first_of(".-_:/=") + 1);
  out.push_back({misspelt_.at, misspelt_.service,
                 "the tag " + conf::printable(tag, tag_bytes_shown) + " is not read; was it meant to be gatehouse." +
                     conf::printable(setting, tag_bytes_shown) + "?" + others(misspelt_.more),
                 conf::Severity::warning});
  return out;
}

}  // namespace gatehouse::catalog
