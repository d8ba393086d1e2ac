#include "conf/catalog/traefik_tree.h"

#include <algorithm>

#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::string_view prefix = "traefik.";

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::vector<std::string> traefik_list(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view part : conf::split_list(text)) {
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    part = part.substr(0, part.find_last_not_of(" \t") + 1);
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

bool traefik_bool(std::string_view text) {
  constexpr std::string_view words[] = {"1", "t", "T", "TRUE", "true", "True"};
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

TraefikTree::TraefikTree(std::span<const std::string> tags) {
  for (const std::string& text : tags) {
    if (!lower_case(std::string_view(text).substr(0, prefix.size())).starts_with(prefix)) continue;
    const std::size_t equals = text.find('=');
    TagVerdict verdict{.tag = text};
    if (equals == std::string::npos) {
      verdict.is_unmapped("write traefik.KEY=VALUE", conf::Severity::warning);
      wrong_.push_back(std::move(verdict));
      continue;
    }
    const std::string key = lower_case(std::string_view(text).substr(prefix.size(), equals - prefix.size()));
    TraefikTag& tag = tags_[key];
    if (!tag.verdict.tag.empty()) {
      tag.verdict.is_unmapped("said again: the last one counts", conf::Severity::warning);
      wrong_.push_back(std::move(tag.verdict));
    }
    tag = {text.substr(equals + 1), std::move(verdict)};
  }
}

bool TraefikTree::has(std::string_view under) const {
  const auto first = tags_.lower_bound(under);
  return tags_.contains(under) || std::any_of(first, tags_.end(), [&](const auto& tag) {
           return tag.first.starts_with(std::string(under) + ".");
         });
}

TraefikTag* TraefikTree::take(const std::string& key) {
  const auto found = tags_.find(key);
  if (found == tags_.end()) return nullptr;
  found->second.read = true;
  return &found->second;
}

std::string TraefikTree::value(const std::string& key) {
  const TraefikTag* tag = take(key);
  return tag == nullptr ? "" : tag->value;
}

std::set<std::string> TraefikTree::names(std::string_view under) const {
  std::set<std::string> out;
  for (auto tag = tags_.lower_bound(under); tag != tags_.end() && tag->first.starts_with(under); ++tag) {
    const std::string_view rest = std::string_view(tag->first).substr(under.size());
    if (const std::size_t dot = rest.find('.'); dot != std::string_view::npos && dot > 0)
      out.emplace(rest.substr(0, dot));
  }
  return out;
}

std::vector<TraefikTag*> TraefikTree::below(std::string_view under) {
  std::vector<TraefikTag*> out;
  for (auto tag = tags_.lower_bound(under); tag != tags_.end() && tag->first.starts_with(under); ++tag)
    if (under.empty() || under.ends_with('.') || tag->first.size() == under.size() || tag->first[under.size()] == '.')
      out.push_back(&tag->second);
  return out;
}

void TraefikTree::differ(std::string_view under, std::string_view how) {
  for (TraefikTag* tag : below(under)) tag->read = true, tag->verdict.differs(how);
}

void TraefikTree::lose(std::string_view under, std::string_view what) {
  for (TraefikTag* tag : below(under)) tag->read = true, tag->verdict.is_unmapped(what, conf::Severity::warning);
}

void TraefikTree::refuse(std::string_view under, std::string_view why) {
  for (TraefikTag* tag : below(under)) tag->read = true, tag->verdict.is_unmapped(why, conf::Severity::error);
}

std::vector<TagVerdict> TraefikTree::finish() {
  std::vector<TagVerdict> out;
  for (auto& [key, tag] : tags_) {
    if (!tag.read) tag.verdict.is_unmapped("nothing that is used here asks for it", conf::Severity::warning);
    out.push_back(std::move(tag.verdict));
  }
  std::move(wrong_.begin(), wrong_.end(), std::back_inserter(out));
  return out;
}

}  // namespace gatehouse::catalog
