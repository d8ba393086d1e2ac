#include "ratelimit/strike_table.h"

#include <algorithm>
#include <bit>

namespace gatehouse::ratelimit {
namespace {

// A place in a ring: 40 bits of milliseconds, 24 of a value's hash. Time begins at 1, so that 0 is an empty place.
constexpr unsigned time_bits = 40;
constexpr std::uint64_t time_mask = (std::uint64_t{1} << time_bits) - 1;
constexpr std::uint64_t being_made = 1;  // in place of a hash
constexpr auto relaxed = std::memory_order_relaxed;

using Word = std::atomic_ref<std::uint64_t>;

std::uint64_t hash_of(std::uint64_t offender) { return offender > being_made ? offender : offender + 2; }

}  // namespace

StrikeTable::StrikeTable(std::size_t offenders, unsigned maxretry, std::uint64_t findtime_ms)
    : maxretry_(maxretry),
      findtime_ms_(findtime_ms),
      heads_(std::bit_ceil(std::max<std::size_t>(offenders, ways)) / ways),
      bodies_(heads_.size() * ways * (2 + std::size_t{maxretry})) {}

StrikeTable::Offender StrikeTable::at(std::size_t index) const {
  std::uint64_t* const body = &bodies_[index * (2 + std::size_t{maxretry_})];
  return {body, body + 1, body + 2};
}

// False: others were faster, each time.
bool StrikeTable::find(std::uint64_t offender, std::uint64_t now, Offender& out) {
  const std::uint64_t own = hash_of(offender);
  const std::size_t set = own & (heads_.size() - 1);
  for (unsigned tries = 0; tries < 64; ++tries) {
    unsigned best = ways;
    std::uint64_t oldest = ~std::uint64_t{0}, seen = 0;
    for (unsigned way = 0; way < ways; ++way) {
      const std::uint64_t there = Word(heads_[set].hash[way]).load(std::memory_order_acquire);
      if (there == own) {
        out = at(set * ways + way);
        return true;
      }
      if (there == being_made) continue;
      const std::uint64_t last = there == 0 ? 0 : Word(*at(set * ways + way).last).load(relaxed);
      if (last < oldest) best = way, oldest = last, seen = there;
    }
    if (best == ways) continue;
    Word head(heads_[set].hash[best]);
    if (!head.compare_exchange_strong(seen, being_made, std::memory_order_acq_rel)) continue;
    if (seen != 0 && oldest + findtime_ms_ > now) forgotten_.fetch_add(1, relaxed);
    out = at(set * ways + best);
    forget(out);
    Word(*out.last).store(now, relaxed);
    head.store(own, std::memory_order_release);
    return true;
  }
  return false;
}

bool StrikeTable::within(std::uint64_t place, std::uint64_t now) const {
  return place != 0 && (place & time_mask) + findtime_ms_ > now;
}

void StrikeTable::forget(const Offender& offender) {
  for (unsigned i = 0; i < maxretry_; ++i) Word(offender.ring[i]).store(0, relaxed);
}

// True: the window is full.
bool StrikeTable::push(const Offender& offender, std::uint64_t place, std::uint64_t now) {
  const std::uint64_t at = Word(*offender.cursor).fetch_add(1, relaxed);
  Word(offender.ring[at % maxretry_]).store(place, relaxed);
  return within(Word(offender.ring[(at + 1) % maxretry_]).load(relaxed), now);
}

bool StrikeTable::strike(std::uint64_t offender, std::uint64_t now, unsigned weight) {
  if (weight >= maxretry_) return true;
  Offender known;
  if (!find(offender, now, known)) return false;
  Word(*known.last).store(now, relaxed);
  for (unsigned i = 0; i < weight; ++i)
    if (push(known, now & time_mask, now)) {
      forget(known);
      return true;
    }
  return false;
}

bool StrikeTable::strike_distinct(std::uint64_t offender, std::uint64_t value_hash, std::uint64_t now) {
  Offender known;
  if (!find(offender, now, known)) return false;
  Word(*known.last).store(now, relaxed);
  const std::uint64_t place = value_hash << time_bits | (now & time_mask);
  for (unsigned i = 0; i < maxretry_; ++i) {
    const std::uint64_t seen = Word(known.ring[i]).load(relaxed);
    if (seen >> time_bits == place >> time_bits && within(seen, now)) return false;
  }
  if (!push(known, place, now)) return false;
  forget(known);
  return true;
}

unsigned StrikeTable::count(std::uint64_t offender, std::uint64_t now) const {
  const std::uint64_t own = hash_of(offender);
  const std::size_t set = own & (heads_.size() - 1);
  for (unsigned way = 0; way < ways; ++way) {
    if (Word(const_cast<std::uint64_t&>(heads_[set].hash[way])).load(std::memory_order_acquire) != own) continue;
    const Offender known = at(set * ways + way);
    unsigned count = 0;
    for (unsigned i = 0; i < maxretry_; ++i) count += within(Word(known.ring[i]).load(relaxed), now);
    return count;
  }
  return 0;
}

}  // namespace gatehouse::ratelimit
