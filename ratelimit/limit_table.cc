#include "ratelimit/limit_table.h"

#include <algorithm>
#include <bit>

namespace gatehouse::ratelimit {
namespace {

constexpr unsigned time_bits = 40;
constexpr std::uint64_t time_mask = (std::uint64_t{1} << time_bits) - 1;

using Word = std::atomic_ref<std::uint64_t>;

std::uint64_t read(const std::uint64_t& slot) {
  return Word(const_cast<std::uint64_t&>(slot)).load(std::memory_order_relaxed);
}

// Never 0: an empty word is nobody's.
std::uint64_t tag_of(std::uint64_t key) {
  const std::uint64_t tag = key >> time_bits;
  return tag != 0 ? tag : 1;
}

std::uint64_t pack(std::uint64_t tag, std::uint64_t time) { return tag << time_bits | (time & time_mask); }

// How far a word's time lies ahead; 0: it has come, or nobody is there.
std::uint64_t debt_of(std::uint64_t word, std::uint64_t now) {
  if (word == 0) return 0;
  const auto ahead = static_cast<std::int64_t>((word - now) << (64 - time_bits)) >> (64 - time_bits);
  return ahead > 0 ? static_cast<std::uint64_t>(ahead) : 0;
}

}  // namespace

LimitTable::LimitTable(std::size_t keys) : lines_(std::bit_ceil(std::max<std::size_t>(keys, ways)) / ways) {}

LimitTable::Outcome LimitTable::take(std::uint64_t key, std::uint64_t now, const Gcra& limit) {
  Line& line = line_of(key);
  const std::uint64_t tag = tag_of(key);
  for (unsigned tries = 0; tries < tries_max; ++tries) {
    std::uint64_t* place = nullptr;
    std::uint64_t seen = 0, debt = ~std::uint64_t{0};
    bool known = false;
    for (std::uint64_t& slot : line.slot) {
      const std::uint64_t word = read(slot);
      const std::uint64_t owed = debt_of(word, now);
      known = word >> time_bits == tag;
      if (known || owed < debt) place = &slot, seen = word, debt = owed;
      if (known) break;
    }
    const std::uint64_t own = known ? debt : 0;
    if (!limit.admits(own)) return {false, own};
    const std::uint64_t next = pack(tag, now + own + limit.interval_us);
    if (!Word(*place).compare_exchange_strong(seen, next, std::memory_order_relaxed)) continue;
    if (!known && debt > 0) forgiven_.fetch_add(1, std::memory_order_relaxed);
    return {true, own};
  }
  return {true, 0};  // others were faster each time: the line moves faster than any limit
}

LimitTable::Outcome LimitTable::peek(std::uint64_t key, std::uint64_t now, const Gcra& limit) const {
  const std::uint64_t tag = tag_of(key);
  for (const std::uint64_t& slot : line_of(key).slot) {
    const std::uint64_t word = read(slot);
    if (word >> time_bits != tag) continue;
    const std::uint64_t debt = debt_of(word, now);
    return {limit.admits(debt), debt};
  }
  return {true, 0};
}

void LimitTable::sweep(std::uint64_t now) {
  for (std::size_t i = 0; i < lines_.size(); ++i)
    for (std::uint64_t& slot : lines_[i].slot) {
      std::uint64_t word = read(slot);
      if (word != 0 && debt_of(word, now) == 0)
        Word(slot).compare_exchange_strong(word, 0, std::memory_order_relaxed);
    }
}

std::size_t LimitTable::live(std::uint64_t now) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < lines_.size(); ++i)
    for (const std::uint64_t& slot : lines_[i].slot) count += debt_of(read(slot), now) > 0;
  return count;
}

}  // namespace gatehouse::ratelimit
