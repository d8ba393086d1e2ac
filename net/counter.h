// counter.h: a number that one thread counts and any thread reads.
//   No lock prefix: the owner adds by load and store. Read relaxed at scrape time.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse {

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.store(value() + count, std::memory_order_relaxed); }
  void subtract(std::uint64_t count = 1) { value_.store(value() - count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace gatehouse
