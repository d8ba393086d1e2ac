// verdict_cache.h: which passwords were judged lately, so that a good one isn't hashed for every request.
//   Kept is a keyed hash of password and stored hash (HMAC-SHA256 under a key of this run, cut to 128 bits), never
//   the password: a verdict holds for exactly these two, so that a changed file needs no word here. Limits: 1024
//   verdicts a worker, a newer one takes an older one's place; 60 s a good one, 10 s a bad one. One thread. Time is a
//   parameter.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gatehouse::auth {

class VerdictCache {
 public:
  static constexpr std::size_t verdicts_max = 1024;
  static constexpr std::uint64_t good_ms = 60'000, bad_ms = 10'000;
  using Key = std::array<std::uint8_t, 16>;

  static Key key_of(std::string_view stored_hash, std::string_view password);
  std::optional<bool> find(const Key& key, std::uint64_t now_ms) const;
  void keep(const Key& key, bool good, std::uint64_t now_ms);

 private:
  struct Entry {
    Key key{};
    std::uint64_t until_ms = 0;
    bool good = false;
  };
  static std::size_t slot_of(const Key& key) { return (key[0] | std::size_t{key[1]} << 8) % verdicts_max; }
  std::vector<Entry> entries_;  // made with the first verdict
};

}  // namespace gatehouse::auth
