// traefik_tree.h: an instance's Traefik tags, "traefik.KEY=VALUE", by key, each with what became of it. Pure.
//   Keys are told apart without regard to case, as Traefik does; of a key that is said twice the last one counts.
//   What is never asked for is not mapped, and told.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/foreign.h"

namespace gatehouse::catalog {

struct TraefikTag {
  std::string value;
  TagVerdict verdict;
  bool read = false;
};

class TraefikTree {
 public:
  explicit TraefikTree(std::span<const std::string> tags);

  bool empty() const { return tags_.empty() && wrong_.empty(); }
  bool has(std::string_view under) const;                     // a key, or one below it
  TraefikTag* take(const std::string& key);                   // and counts it as read; null: not said
  std::string value(const std::string& key);                  // take's; empty: not said
  std::set<std::string> names(std::string_view under) const;  // "http.routers." to the routers' names
  std::vector<TraefikTag*> below(std::string_view under);     // in the order of the keys; not counted as read
  // For a group of tags that one word is to be said of: each is read, and judged alike.
  void differ(std::string_view under, std::string_view how);
  void lose(std::string_view under, std::string_view what);
  void refuse(std::string_view under, std::string_view why);

  std::vector<TagVerdict> finish();  // in the order of the keys

 private:
  std::map<std::string, TraefikTag, std::less<>> tags_;  // by key, without "traefik."
  std::vector<TagVerdict> wrong_;
};

std::string lower_case(std::string_view text);

// "a, b,c" to its parts, without blanks and empty ones.
std::vector<std::string> traefik_list(std::string_view text);

// "true", "True", "1" …: as Go reads it; anything else is false.
bool traefik_bool(std::string_view text);

}  // namespace gatehouse::catalog
