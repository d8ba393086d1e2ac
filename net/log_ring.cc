#include "net/log_ring.h"

#include <algorithm>

namespace gatehouse {

// The ring never splits a piece: when the space up to its end is too short, the writer skips it. wrap_ tells the
// reader where (a position that is a multiple of nothing is never reached twice: positions only grow).
std::span<char> LogRing::reserve(std::size_t most) {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::uint64_t free = capacity_ - (head - tail_.load(std::memory_order_acquire));
  const std::size_t offset = head % capacity_;
  const std::size_t to_end = capacity_ - offset;
  if (most <= to_end) return most <= free ? std::span<char>(bytes_.get() + offset, most) : std::span<char>();
  if (to_end + most > free) return {};
  wrap_.store(head, std::memory_order_relaxed);
  head_.store(head + to_end, std::memory_order_release);
  return {bytes_.get(), most};
}

void LogRing::commit(std::size_t size) {
  head_.store(head_.load(std::memory_order_relaxed) + size, std::memory_order_release);
}

std::string_view LogRing::peek() {
  const std::uint64_t head = head_.load(std::memory_order_acquire);
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::uint64_t wrap = wrap_.load(std::memory_order_relaxed);
  if (tail != head && tail == wrap && tail % capacity_ != 0) {  // the skipped rest before the end
    tail += capacity_ - tail % capacity_;
    tail_.store(tail, std::memory_order_release);
  }
  const std::size_t offset = tail % capacity_;
  std::uint64_t until = std::min<std::uint64_t>(head, tail - offset + capacity_);
  if (wrap > tail && wrap < until) until = wrap;
  return {bytes_.get() + offset, static_cast<std::size_t>(until - tail)};
}

void LogRing::release(std::size_t size) {
  tail_.store(tail_.load(std::memory_order_relaxed) + size, std::memory_order_release);
}

}  // namespace gatehouse
