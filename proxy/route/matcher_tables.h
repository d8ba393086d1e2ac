// matcher_tables.h: how the matcher's tables lie in memory; known to matcher*.cc alone.
//   Flat arrays and open addressing: a lookup touches a handful of cache lines whatever the number of services.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/route/matcher.h"

namespace gatehouse::route {

inline constexpr std::uint32_t none = ~0u;
inline constexpr std::size_t host_size_max = 255;  // RFC 1035 2.3.4; a longer one is nobody's

enum class HostKind : std::uint8_t { exact, one_label, labels };  // "a.b", "*.b", "**.b": the wider the later

// Multiplies to 128 bits and folds (as wyhash does): fast, and good enough for keys that the catalog chose.
inline std::uint64_t hash_text(const char* data, std::size_t size, std::uint64_t seed) {
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto load = [](const char* at, auto word) {
    std::memcpy(&word, at, sizeof word);
    return std::uint64_t{word};
  };
  std::uint64_t h = fold(seed ^ 0x9e3779b97f4a7c15u, size ^ 0xe7037ed1a0b428dbu), last = 0;
  for (std::size_t i = 0; i + 8 < size; i += 8) h = fold(h ^ load(data + i, std::uint64_t{}), 0xa0761d6478bd642fu);
  if (size >= 8) {  // the last words may overlap the ones before
    last = load(data + size - 8, std::uint64_t{});
  } else if (size >= 4) {
    last = load(data, std::uint32_t{}) << 32 | load(data + size - 4, std::uint32_t{});
  } else if (size > 0) {
    last = load(data, std::uint8_t{}) << 16 | load(data + size / 2, std::uint8_t{}) << 8 |
           load(data + size - 1, std::uint8_t{});
  }
  return fold(h ^ last, 0x8ebc6af09c88c6e3u);
}

// Hash to index of an item, open addressing, at most half full. Whether the item is the one is for the caller to see.
class HashIndex {
 public:
  template <class Same>
  std::uint32_t find(std::uint64_t hash, Same same) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].item == none) return none;
      if (slots_[i].tag == tag && same(slots_[i].item)) return slots_[i].item;
    }
  }
  void insert(std::uint64_t hash, std::uint32_t item);
  explicit HashIndex(std::size_t items = 0);

 private:
  struct Slot {
    std::uint32_t tag = 0, item = none;
  };
  std::vector<Slot> slots_;
  std::uint64_t mask_ = 0;
};

// A run of targets that end at the same node, in the order they are tried.
struct PathNode {
  std::uint32_t first = 0, count = 0;
  std::uint32_t up = none;  // the node a segment shorter
  bool has_children = false;
};

struct PathEdge {
  std::uint32_t parent = 0, child = 0;
  std::uint32_t text = 0, size = 0;  // the segment, in `texts`
};

struct PortRoot {
  std::uint16_t port = 0;
  std::uint32_t root = none;
};

// All that a request for most hosts needs, in one cache line: the name's beginning, the root of its any-port paths.
struct alignas(64) HostEntry {
  std::uint32_t text = 0;  // in `texts`: the name without the stars
  std::uint16_t size = 0;
  HostKind kind = HostKind::exact;
  bool known = false;                            // a route names this pattern or one that covers it
  std::uint32_t parent = none;                   // the next wider pattern that covers this one
  std::uint32_t policy = none;                   // what `hosts:` says here, wider patterns included
  std::uint32_t any_port = none;                 // root node of the routes of any port
  std::uint32_t ports = 0, port_count = 0;       // roots of the routes of one port, in `ports`
  std::uint32_t root_first = 0, root_count = 0;  // what nodes[any_port] says
  bool root_has_children = false;
  char head[23] = {};

  PathNode root() const { return {root_first, root_count, none, root_has_children}; }
};
static_assert(sizeof(HostEntry) == 64);

struct Matcher::Tables {
  Services services;  // kept alive: targets point into them
  std::string texts;
  std::vector<HostEntry> hosts;
  HashIndex host_index;
  std::uint64_t label_counts[3] = {};  // by kind: bit n: some pattern has n labels (63: that or more)
  HostEntry no_host;                   // routes without a host
  std::vector<PortRoot> ports;
  std::vector<PathNode> nodes;
  std::vector<PathEdge> edges;
  HashIndex edge_index;
  std::vector<RouteTarget> targets;
  std::vector<conf::HostPolicy> policies;

  std::string_view text(std::uint32_t at, std::size_t size) const { return std::string_view(texts).substr(at, size); }
  // The most specific pattern that covers the host; null: none does.
  const HostEntry* find_host(std::string_view host) const;
  std::uint32_t find_pattern(HostKind kind, std::string_view name) const;  // lower case
  bool is_named(const HostEntry& entry, std::string_view name) const {
    const auto head = std::min(name.size(), sizeof entry.head);
    return entry.size == name.size() && std::memcmp(entry.head, name.data(), head) == 0 &&
           (head == name.size() || text(entry.text, entry.size).substr(head) == name.substr(head));
  }
  const RouteTarget* match_path(std::uint32_t at, PathNode node, const RouteRequest& request) const;
  const RouteTarget* match_entry(const HostEntry& entry, const RouteRequest& request) const;
};

// A host pattern taken apart; not valid: a star elsewhere than in front, or nothing behind it.
struct HostPattern {
  HostKind kind = HostKind::exact;
  std::string name;  // lower case, without the stars and a dot at the end; empty: any host
  bool valid = true;
  static HostPattern parse(std::string_view text);
};

inline std::uint64_t host_hash(HostKind kind, std::string_view name) {
  return hash_text(name.data(), name.size(), static_cast<std::uint64_t>(kind) + 1);
}
inline std::uint64_t edge_hash(std::uint32_t parent, std::string_view segment) {
  return hash_text(segment.data(), segment.size(), std::uint64_t{parent} << 8);
}

inline char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// A request's host in lower case and without a dot at the end, kept on the stack; empty when it is too long.
class FoldedHost {
 public:
  explicit FoldedHost(std::string_view host) {
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (host.size() > host_size_max) return;
    for (std::size_t i = 0; i < host.size(); ++i) text_[i] = lower_case(host[i]);
    size_ = host.size();
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[host_size_max];  // filled up to size_ only
  std::size_t size_ = 0;
};

// The next non-empty segment of a path, cut off its front; empty at the end.
inline std::string_view next_segment(std::string_view& path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool same_path(std::string_view a, std::string_view b);  // segment by segment

// Methods, fields and whether the path is all; host, port and path are found by the tables.
bool conditions_hold(const conf::RouteMatch& match, const RouteRequest& request);
bool condition_holds(const conf::HeaderMatch& condition, const RouteRequest& request);

}  // namespace gatehouse::route
