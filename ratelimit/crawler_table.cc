#include "ratelimit/crawler_table.h"

#include <atomic>

namespace gatehouse::ratelimit {
namespace {

constexpr unsigned ways = 4, state_bits = 3, time_bits = 31;
constexpr std::uint64_t state_mask = (1u << state_bits) - 1, time_mask = (std::uint64_t{1} << time_bits) - 1;

using Word = std::atomic_ref<std::uint64_t>;

// Seconds that a state holds.
constexpr std::uint64_t time_of(CrawlerState state) {
  switch (state) {
    case CrawlerState::proved: return 24 * 3600;
    case CrawlerState::refuted: return 3600;
    case CrawlerState::unclear: return 600;
    default: return 15;  // the DNS has this long; then it is asked again
  }
}

std::uint64_t tag_of(std::uint64_t key) { return key >> (state_bits + time_bits); }
std::uint64_t seconds_of(std::uint64_t word) { return word >> state_bits & time_mask; }
CrawlerState state_of(std::uint64_t word) { return static_cast<CrawlerState>(word & state_mask); }

std::uint64_t pack(std::uint64_t key, CrawlerState state, std::uint64_t now_s) {
  return tag_of(key) << (state_bits + time_bits) | ((now_s + time_of(state)) & time_mask) << state_bits |
         static_cast<std::uint64_t>(state);
}

std::size_t place_of(std::uint64_t key, unsigned way) {
  return (key & (CrawlerTable::places - 1) & ~std::size_t{ways - 1}) + way;
}

}  // namespace

CrawlerState CrawlerTable::find(std::uint64_t key, std::uint64_t now_ms) const {
  for (unsigned way = 0; way < ways; ++way) {
    const std::uint64_t word =
        Word(const_cast<std::uint64_t&>(words_[place_of(key, way)])).load(std::memory_order_relaxed);
    if (word != 0 && tag_of(word) == tag_of(key) && seconds_of(word) > now_ms / 1000) return state_of(word);
  }
  return CrawlerState::unknown;
}

bool CrawlerTable::ask(std::uint64_t key, std::uint64_t now_ms) {
  if (find(key, now_ms) != CrawlerState::unknown) return false;
  put(key, CrawlerState::asked, now_ms);
  return true;
}

void CrawlerTable::put(std::uint64_t key, CrawlerState state, std::uint64_t now_ms) {
  std::uint64_t* best = nullptr;
  std::uint64_t ends = ~std::uint64_t{0};
  for (unsigned way = 0; way < ways; ++way) {
    std::uint64_t& place = words_[place_of(key, way)];
    const std::uint64_t word = Word(place).load(std::memory_order_relaxed);
    const bool own = word != 0 && tag_of(word) == tag_of(key);
    const std::uint64_t until = own || word == 0 ? 0 : seconds_of(word);
    if (best == nullptr || until < ends) best = &place, ends = until;
    if (own) break;
  }
  counts_[static_cast<std::size_t>(state)].fetch_add(1, std::memory_order_relaxed);
  Word(*best).store(pack(key, state, now_ms / 1000), std::memory_order_relaxed);
}

}  // namespace gatehouse::ratelimit
