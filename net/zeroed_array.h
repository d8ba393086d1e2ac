// zeroed_array.h: a large array of zero words at a page's boundary, whose pages exist once they are written.
//   For tables of fixed size that all threads use through std::atomic_ref. Never moves; throws std::bad_alloc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>

#include <sys/mman.h>

namespace gatehouse {

template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // From the kernel itself: an allocator's calloc may write the zeroes, and then every page exists.
  explicit ZeroedArray(std::size_t size) : size_(size) {
    void* const memory =
        ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    items_ = static_cast<T*>(memory);
  }
  ~ZeroedArray() { ::munmap(items_, bytes()); }
  ZeroedArray(const ZeroedArray&) = delete;
  ZeroedArray& operator=(const ZeroedArray&) = delete;

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }

 private:
  std::size_t bytes() const { return std::max<std::size_t>(size_, 1) * sizeof(T); }

  std::size_t size_;
  T* items_;
};

}  // namespace gatehouse
