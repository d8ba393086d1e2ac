#include "ratelimit/ban_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ratelimit/limits.h"

namespace gatehouse::ratelimit {
namespace {

// A word is 40 bits of the end, 2 of the action and 22 that repeat the hash.
constexpr unsigned time_bits = 40, action_bits = 2;
constexpr std::uint64_t time_mask = (std::uint64_t{1} << time_bits) - 1;
constexpr std::uint64_t own_mask = ~std::uint64_t{0} << (time_bits + action_bits);

using Word = std::atomic_ref<std::uint64_t>;

std::uint64_t load(const std::uint64_t& from, std::memory_order order = std::memory_order_relaxed) {
  return Word(const_cast<std::uint64_t&>(from)).load(order);
}
void store(std::uint64_t& to, std::uint64_t value, std::memory_order order = std::memory_order_relaxed) {
  Word(to).store(value, order);
}

std::uint64_t end_of(std::uint64_t word) { return word & time_mask; }
bool is_of(std::uint64_t word, std::uint64_t hash) { return (word & own_mask) == (hash & own_mask); }

std::uint64_t word_of(std::uint64_t hash, const Ban& ban) {
  return (hash & own_mask) | static_cast<std::uint64_t>(ban.action) << time_bits | std::min(ban.until_ms, for_ever);
}

IpAddress cut(const IpAddress& address, unsigned length) {
  return masked(address, length < 96 ? 0 : length - 96, length);
}

}  // namespace

void Ban::set_jail(std::string_view name) {
  jail.fill(0);
  name.copy(jail.data(), jail.size());
}

void write_ban_id(std::uint64_t id, std::array<char, ban_id_bytes>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = "0123456789abcdef"[id >> (4 * (out.size() - 1 - i)) & 15];
}

BanTable::BanTable(const SipKey& key, std::size_t bans)
    : key_(key), sets_(std::bit_ceil(std::max<std::size_t>(bans, ways)) / ways), details_(sets_.size() * ways) {}

// Never 0: that is an empty place.
std::uint64_t BanTable::hash(const IpPrefix& prefix) const {
  char bytes[17];
  std::memcpy(bytes, prefix.address.bytes.data(), 16);
  bytes[16] = static_cast<char>(prefix.length);
  const std::uint64_t out = siphash(key_, {bytes, sizeof bytes});
  return out != 0 ? out : 1;
}

// Calls `found` for each prefix of the client that somebody may be banned by, the longest first, until it says true.
template <class Found>
bool BanTable::each_length(const IpAddress& client, Found found) const {
  for (const unsigned half : {1u, 0u}) {
    std::uint64_t bits = used_[half].load(relaxed);
    while (bits != 0) {
      const unsigned bit = 63 - static_cast<unsigned>(std::countl_zero(bits));
      bits &= ~(std::uint64_t{1} << bit);
      const unsigned length = half * 64 + bit + 1;
      if (client.is_v4() && length < 96) continue;
      if (found(IpPrefix{cut(client, length), static_cast<std::uint8_t>(length)})) return true;
    }
  }
  return false;
}

std::optional<BanVerdict> BanTable::find(const IpAddress& client, std::uint64_t now) const {
  if (empty()) return std::nullopt;
  std::optional<BanVerdict> out;
  each_length(client, [&](const IpPrefix& prefix) {
    const std::uint64_t own = hash(prefix);
    for (const Slot& slot : sets_[set_of(own)].slot) {
      if (load(slot.hash) != own) continue;
      const std::uint64_t word = load(slot.word);
      if (!is_of(word, own) || end_of(word) <= now) continue;
      out = {static_cast<conf::BanAction>(word >> time_bits & 3), end_of(word), own >> 24};
      return true;
    }
    return false;
  });
  return out;
}

// The place of this hash, known or claimed now; null: others were faster, each time.
BanTable::Slot* BanTable::claim(std::uint64_t own, std::uint64_t now, std::size_t& at) {
  Set& set = sets_[set_of(own)];
  for (unsigned tries = 0; tries < 64; ++tries) {
    unsigned best = 0;
    std::uint64_t soonest = ~std::uint64_t{0}, seen = 0;
    for (unsigned way = 0; way < ways; ++way) {
      const std::uint64_t there = load(set.slot[way].hash);
      if (there == own) {
        at = set_of(own) * ways + way;
        return &set.slot[way];
      }
      const std::uint64_t end = there == 0 ? 0 : end_of(load(set.slot[way].word));
      if (end < soonest) best = way, soonest = end, seen = there;
    }
    if (!Word(set.slot[best].hash).compare_exchange_strong(seen, own, std::memory_order_acq_rel)) continue;
    if (seen != 0 && soonest > now) ended_early_.fetch_add(1, relaxed);
    at = set_of(own) * ways + best;
    return &set.slot[best];
  }
  return nullptr;
}

BanTable::Added BanTable::add(const Ban& ban, std::uint64_t now) {
  const std::uint64_t own = hash(ban.prefix);
  std::size_t at = 0;
  Slot* slot = claim(own, now, at);
  if (slot == nullptr) return Added::nothing;
  const std::uint64_t before = load(slot->word);
  const bool lives = is_of(before, own) && end_of(before) > now;
  if (lives && end_of(before) >= std::min(ban.until_ms, for_ever)) return Added::nothing;
  Detail& detail = details_[at];
  for (unsigned i = 0; i < 2; ++i) {
    std::uint64_t word;
    std::memcpy(&word, ban.prefix.address.bytes.data() + 8 * i, 8);
    store(detail.address[i], word);
  }
  for (unsigned i = 0; i < 3; ++i) {
    std::uint64_t word;
    std::memcpy(&word, ban.jail.data() + 8 * i, 8);
    store(detail.jail[i], word);
  }
  if (!lives) {
    store(detail.since_ms, ban.since_ms);
    store(detail.numbers, std::uint64_t{ban.offences} << 8 | ban.prefix.length);
  }
  const unsigned bit = ban.prefix.length - 1u;
  used_[bit / 64].fetch_or(std::uint64_t{1} << bit % 64, relaxed);
  store(slot->word, word_of(own, ban), std::memory_order_release);
  changes_.fetch_add(1, relaxed);
  return lives ? Added::prolonged : Added::fresh;
}

// A ban says itself which place is its own: what was overwritten while it was read is none.
std::optional<Ban> BanTable::read(std::size_t set, unsigned way) const {
  const Slot& slot = sets_[set].slot[way];
  const std::uint64_t own = load(slot.hash);
  if (own == 0) return std::nullopt;
  const std::uint64_t word = load(slot.word, std::memory_order_acquire);
  if (!is_of(word, own)) return std::nullopt;
  const Detail& detail = details_[set * ways + way];
  Ban ban;
  for (unsigned i = 0; i < 2; ++i) {
    const std::uint64_t part = load(detail.address[i]);
    std::memcpy(ban.prefix.address.bytes.data() + 8 * i, &part, 8);
  }
  for (unsigned i = 0; i < 3; ++i) {
    const std::uint64_t part = load(detail.jail[i]);
    std::memcpy(ban.jail.data() + 8 * i, &part, 8);
  }
  const std::uint64_t numbers = load(detail.numbers);
  ban.prefix.length = static_cast<std::uint8_t>(numbers);
  ban.offences = static_cast<unsigned>(numbers >> 8);
  ban.since_ms = load(detail.since_ms);
  ban.until_ms = end_of(word);
  ban.action = static_cast<conf::BanAction>(word >> time_bits & 3);
  if (ban.prefix.length == 0 || hash(ban.prefix) != own) return std::nullopt;
  return ban;
}

std::optional<Ban> BanTable::known(const IpPrefix& prefix) const {
  const std::uint64_t own = hash(prefix);
  for (unsigned way = 0; way < ways; ++way)
    if (load(sets_[set_of(own)].slot[way].hash) == own) return read(set_of(own), way);
  return std::nullopt;
}

std::optional<Ban> BanTable::who_bans(const IpAddress& client, std::uint64_t now) const {
  std::optional<Ban> out;
  each_length(client, [&](const IpPrefix& prefix) {
    out = known(prefix);
    if (out && !out->live(now)) out.reset();
    return out.has_value();
  });
  return out;
}

void BanTable::each(const std::function<void(const Ban&)>& visit) const {
  for (std::size_t set = 0; set < sets_.size(); ++set)
    for (unsigned way = 0; way < ways; ++way)
      if (const std::optional<Ban> ban = read(set, way)) visit(*ban);
}

std::size_t BanTable::live(std::uint64_t now) const {
  std::size_t count = 0;
  for (std::size_t set = 0; set < sets_.size(); ++set)
    for (const Slot& slot : sets_[set].slot) count += load(slot.hash) != 0 && end_of(load(slot.word)) > now;
  return count;
}

std::size_t BanTable::lift(const IpPrefix& prefix, std::uint64_t now) {
  std::size_t count = 0;
  for (std::size_t set = 0; set < sets_.size(); ++set)
    for (unsigned way = 0; way < ways; ++way) {
      const std::optional<Ban> ban = read(set, way);
      if (!ban || ban->prefix.length < prefix.length || !prefix.contains(ban->prefix.address)) continue;
      count += ban->live(now);
      Slot& slot = sets_[set].slot[way];
      std::uint64_t own = hash(ban->prefix);
      store(slot.word, 0, std::memory_order_release);
      Word(slot.hash).compare_exchange_strong(own, 0, std::memory_order_relaxed);
    }
  if (count != 0) changes_.fetch_add(1, relaxed);
  return count;
}

}  // namespace gatehouse::ratelimit
