#include "proxy/pool/maglev_table.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <queue>
#include <utility>

#include "proxy/pool/hash.h"

namespace gatehouse::pool {
namespace {

constexpr std::uint16_t nobody = 65'535;

// A prime with room for some 250 slots a member: shares then differ by a few per cent at most.
std::uint32_t size_for(std::size_t members) {
  if (members <= 16) return 4'093;
  return members <= 256 ? 65'521 : 1'048'573;
}

// A member walks all slots in an order of its own: offset, offset + skip, …
struct Walk {
  std::uint32_t at, skip;
};

Walk walk_of(std::uint64_t key, std::uint32_t size) {
  return {static_cast<std::uint32_t>(mix(key + 1) % size), static_cast<std::uint32_t>(mix(key + 2) % (size - 1)) + 1};
}

}  // namespace

MaglevTable::MaglevTable(std::vector<MaglevMember> members) : members_(std::move(members)) {
  assert(!members_.empty() && members_.size() <= members_max);
  const auto size = size_for(members_.size());
  slots_.assign(size, nobody);

  std::vector<std::uint32_t> order(members_.size());  // by key: the catalog's order must not matter
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [this](auto i) { return std::pair(members_[i].key, i); });

  // Members take turns, a heavy one more often: the next turn is of whom it is due first.
  using Due = std::pair<double, std::uint32_t>;  // when, place in `order`
  std::priority_queue<Due, std::vector<Due>, std::greater<>> turns;
  std::vector<Walk> walks;
  for (std::uint32_t place = 0; place < order.size(); ++place) {
    const auto& member = members_[order[place]];
    walks.push_back(walk_of(member.key, size));
    if (member.weight > 0) turns.push({1.0 / member.weight, place});
  }
  assert(!turns.empty());
  for (std::uint32_t filled = 0; filled < size; ++filled) {
    const auto [when, place] = turns.top();
    turns.pop();
    auto& walk = walks[place];
    while (slots_[walk.at] != nobody) walk.at = (walk.at + walk.skip) % size;
    slots_[walk.at] = static_cast<std::uint16_t>(order[place]);
    turns.push({when + 1.0 / members_[order[place]].weight, place});
  }
}

}  // namespace gatehouse::pool
