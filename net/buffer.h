// buffer.h: the slabs that bytes travel in: 16 KiB and 64 KiB, from free lists of one thread.
//   A slab has room before its bytes (a rewritten head may grow, a chunk head is written in front) and behind them.
//   A connection returns its slab when it has nothing to say. Everything out is counted, for limits.memory; a pool
//   that is full still gives, since what is under way must end: who begins something asks first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse {

class BufferPool;

class Buffer {
 public:
  static constexpr std::size_t headroom = 512, tailroom = 16;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() { release(); }

  explicit operator bool() const { return memory_ != nullptr; }
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  char* data() { return memory_ + begin_; }
  const char* data() const { return memory_ + begin_; }
  std::string_view view() const { return {memory_ + begin_, size()}; }
  char* end() { return memory_ + end_; }
  // Room for more bytes behind, with the tailroom left free.
  std::size_t room() const { return capacity_ - tailroom - end_; }
  std::size_t room_before() const { return begin_; }
  std::size_t capacity() const { return capacity_; }

  void grew(std::size_t count) { end_ += count; }
  void consume(std::size_t count) { begin_ += count; }
  void shrink_to(std::size_t count) { end_ = begin_ + count; }
  void prepend(std::size_t count) { begin_ -= count; }
  void clear() { begin_ = end_ = headroom; }
  // Moves the bytes to the front of the slab, so that all its room is behind them.
  void compact() {
    if (begin_ <= headroom) return;
    std::memmove(memory_ + headroom, memory_ + begin_, size());
    end_ = headroom + size();
    begin_ = headroom;
  }
  bool append(std::string_view bytes) {
    if (bytes.size() > room()) return false;
    if (!bytes.empty()) std::memcpy(end(), bytes.data(), bytes.size());
    end_ += bytes.size();
    return true;
  }
  void release();
  void swap(Buffer& other) {
    std::swap(pool_, other.pool_), std::swap(memory_, other.memory_), std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_), std::swap(end_, other.end_);
  }

 private:
  friend class BufferPool;
  BufferPool* pool_ = nullptr;
  char* memory_ = nullptr;
  std::uint32_t capacity_ = 0, begin_ = 0, end_ = 0;
};

class BufferPool {
 public:
  static constexpr std::size_t small = 16 << 10, large = 64 << 10;

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  ~BufferPool();

  Buffer take(std::size_t capacity = small);                                      // small or large
  std::size_t bytes_out() const { return out_.load(std::memory_order_relaxed); }  // any thread
  // Beyond `bytes` it is full: nothing large is given out, and new requests are refused with a word. Beyond the
  // reserve for those words it is exhausted: who has no slab yet gets none.
  void set_most(std::size_t bytes, std::size_t reserve) { most_ = bytes, reserve_ = reserve; }
  bool full() const { return bytes_out() >= most_; }
  bool exhausted() const { return bytes_out() >= most_ + reserve_; }

 private:
  friend class Buffer;
  void give(char* memory, std::size_t capacity);
  std::vector<char*>& list(std::size_t capacity) { return capacity == small ? small_ : large_; }

  std::vector<char*> small_, large_;
  std::atomic<std::size_t> out_{0};  // written by the owner alone
  std::size_t most_ = ~std::size_t{0} / 2, reserve_ = 0;
};

}  // namespace gatehouse
