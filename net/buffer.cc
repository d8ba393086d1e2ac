#include "net/buffer.h"

#include <new>

#include "net/frame_pool.h"

namespace gatehouse {
namespace {

constexpr std::size_t kept_bytes_most = 8 << 20;  // of each size, in the free list

}  // namespace

BufferPool::~BufferPool() {
  for (char* memory : small_) ::operator delete(memory);
  for (char* memory : large_) ::operator delete(memory);
}

Buffer BufferPool::take(std::size_t capacity) {
  auto& free = list(capacity);
  Buffer out;
  if (free.empty()) {
    out.memory_ = static_cast<char*>(::operator new(capacity));
  } else {
    out.memory_ = free.back();
    free.pop_back();
  }
  out.pool_ = this;
  out.capacity_ = static_cast<std::uint32_t>(capacity);
  out.clear();
  out_.store(bytes_out() + capacity, std::memory_order_relaxed);
  return out;
}

void BufferPool::give(char* memory, std::size_t capacity) {
  out_.store(bytes_out() - capacity, std::memory_order_relaxed);
  auto& free = list(capacity);
  if (!pool_frames || free.size() * capacity >= kept_bytes_most) return ::operator delete(memory);
  free.push_back(memory);
}

void Buffer::release() {
  if (memory_ == nullptr) return;
  pool_->give(std::exchange(memory_, nullptr), capacity_);
  capacity_ = begin_ = end_ = 0;
}

}  // namespace gatehouse
