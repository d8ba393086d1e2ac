// zeroed_array.h: a large array of zero words at a cache line's boundary, whose pages exist once they are written.
//   For tables of fixed size that all threads use through std::atomic_ref. Never moves; throws std::bad_alloc.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

namespace gatehouse {

template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  static constexpr std::size_t line = 64;

  explicit ZeroedArray(std::size_t size) : size_(size), memory_(std::calloc(size * sizeof(T) + line, 1)) {
    if (memory_ == nullptr) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(memory_);
    items_ = reinterpret_cast<T*>((address + line - 1) / line * line);
  }
  ~ZeroedArray() { std::free(memory_); }
  ZeroedArray(const ZeroedArray&) = delete;
  ZeroedArray& operator=(const ZeroedArray&) = delete;

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }

 private:
  std::size_t size_;
  void* memory_;
  T* items_;
};

}  // namespace gatehouse
