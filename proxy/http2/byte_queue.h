// byte_queue.h: bytes of one stream that wait: in slabs of the worker's pool, which go back as soon as they are
// empty.
//   No limit of its own: who appends knows how much may wait (a flow-control window, a head's most bytes).
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string_view>

#include "net/buffer.h"

namespace gatehouse::http2 {

class ByteQueue {
 public:
  explicit ByteQueue(BufferPool& pool) : pool_(pool) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // The first bytes, as many as lie together.
  std::string_view front() const { return empty() ? std::string_view() : first().view(); }

  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      Buffer& slab = last_with_room(bytes.size());
      const std::string_view some = bytes.substr(0, slab.room());
      slab.append(some);
      size_ += some.size();
      bytes.remove_prefix(some.size());
    }
  }
  // Up to `most` bytes are written by `write(data, room)`, which returns how many it has put there.
  template <class Write>
  void append_with(std::size_t most, Write write) {
    Buffer& slab = last_with_room(most);
    const std::size_t put = write(slab.end(), std::min(most, slab.room()));
    slab.grew(put);
    size_ += put;
  }
  void consume(std::size_t count) {
    size_ -= count;
    while (count > 0) {
      const std::size_t here = std::min(count, first().size());
      first().consume(here);
      count -= here;
      if (first().empty()) drop_first();
    }
  }
  std::size_t take(char* data, std::size_t most) {
    std::size_t taken = 0;
    while (taken < most && !empty()) {
      const std::string_view some = front().substr(0, most - taken);
      some.copy(data + taken, some.size());
      taken += some.size();
      consume(some.size());
    }
    return taken;
  }
  void clear() {
    one_.release();
    more_.reset();
    size_ = 0;
  }

 private:
  // Most streams never hold more than one slab: the others are for those that do.
  using More = std::deque<Buffer>;

  Buffer& first() { return one_; }
  const Buffer& first() const { return one_; }
  Buffer& last() { return more_ && !more_->empty() ? more_->back() : one_; }
  Buffer& last_with_room(std::size_t wanted) {
    if (!one_) return one_ = pool_.take(capacity_for(wanted));
    if (last().room() > 0) return last();
    if (!more_) more_ = std::make_unique<More>();
    return more_->emplace_back(pool_.take(BufferPool::large));
  }
  std::size_t capacity_for(std::size_t wanted) const {
    const bool large = wanted > BufferPool::small - Buffer::headroom - Buffer::tailroom && !pool_.full();
    return large ? BufferPool::large : BufferPool::small;
  }
  void drop_first() {
    one_.release();
    if (!more_ || more_->empty()) return;
    one_ = std::move(more_->front());
    more_->pop_front();
  }

  BufferPool& pool_;
  Buffer one_;
  std::unique_ptr<More> more_;
  std::size_t size_ = 0;
};

}  // namespace gatehouse::http2
