// crawler_table.h: of which addresses it is known whether they are a crawler's: one small table for all workers.
//   A word is 30 bits of the address's hash, what is known, and until when. A place is one of four; where all are
//   taken, the one that ends soonest goes: it is asked about again.
//   Threads  any, without locks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "net/zeroed_array.h"

namespace gatehouse::ratelimit {

// asked: about to be known; unclear: nobody could say, so that it is a client as any other.
enum class CrawlerState : std::uint8_t { unknown, asked, proved, refuted, unclear };

class CrawlerTable {
 public:
  static constexpr std::size_t places = 1 << 14;

  CrawlerTable() : words_(places) {}
  CrawlerState find(std::uint64_t key, std::uint64_t now_ms) const;
  // True: it was unknown, and is asked from now on: by one of those who call at once.
  bool ask(std::uint64_t key, std::uint64_t now_ms);
  void put(std::uint64_t key, CrawlerState state, std::uint64_t now_ms);
  std::uint64_t count(CrawlerState state) const {  // how often it was put
    return counts_[static_cast<std::size_t>(state)].load(std::memory_order_relaxed);
  }

 private:
  ZeroedArray<std::uint64_t> words_;
  std::array<std::atomic<std::uint64_t>, 5> counts_{};
};

}  // namespace gatehouse::ratelimit
