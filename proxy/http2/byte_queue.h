// byte_queue.h: bytes that wait for their reader, in slabs of the pool. Who fills it bounds it: by a window of flow
//   control. Slabs go back as they are read.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "net/buffer.h"

namespace gatehouse::http2 {

class ByteQueue {
 public:
  explicit ByteQueue(BufferPool& pool) : pool_(pool) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void append(std::string_view bytes) {
    size_ += bytes.size();
    while (!bytes.empty()) {
      if (slabs_.empty() || slabs_.back().room() == 0) {
        const bool large = bytes.size() > BufferPool::small || !slabs_.empty();
        slabs_.push_back(pool_.take(large && !pool_.full() ? BufferPool::large : BufferPool::small));
      }
      Buffer& last = slabs_.back();
      const std::size_t some = std::min(bytes.size(), last.room());
      last.append(bytes.substr(0, some));
      bytes.remove_prefix(some);
    }
  }

  std::size_t read(char* data, std::size_t size) {
    std::size_t done = 0;
    while (done < size && size_ > 0) {
      Buffer& first = slabs_[first_];
      const std::size_t some = std::min(size - done, first.size());
      std::memcpy(data + done, first.data(), some);
      first.consume(some);
      done += some, size_ -= some;
      if (!first.empty()) break;
      first.release();
      if (++first_ == slabs_.size()) clear();
    }
    return done;
  }

  void clear() {
    slabs_.clear();
    first_ = size_ = 0;
  }

 private:
  BufferPool& pool_;
  std::vector<Buffer> slabs_;
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace gatehouse::http2
