// log_ring.h: lines of one worker on their way to the log thread: a byte ring, one writer, one reader, no locks.
//   A full ring drops the new line and counts it: a request never waits for a disk. Lines are published whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/counter.h"

namespace gatehouse {

class LogRing {
 public:
  explicit LogRing(std::size_t capacity = 1 << 20) : capacity_(capacity), bytes_(new char[capacity]) {}

  // Writer. Room for `most` bytes in one piece, or empty if there is none; then commit what was written of it.
  std::span<char> reserve(std::size_t most);
  void commit(std::size_t size);
  void drop() { dropped_.add(); }

  // Reader. What stands ready, in one piece (there may be a second one after it); then release it.
  std::string_view peek();
  void release(std::size_t size);

  std::uint64_t dropped() const { return dropped_.value(); }
  std::size_t used() const { return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed); }
  std::size_t capacity() const { return capacity_; }

 private:
  const std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // Positions count all bytes ever passed; wrap_ is where the writer jumped to the front because the rest was short.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> wrap_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  Counter dropped_;
};

}  // namespace gatehouse
