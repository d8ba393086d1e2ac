// frame_pool.h: memory of coroutine frames and other short-lived objects of one thread: free lists by size class.
//   Never shared: what a thread takes it gives back (data-plane objects never leave their worker). Above 16 KiB the
//   general allocator is used. Under sanitizers it always is, so that they see every lifetime.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace gatehouse {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool pool_frames = false;
#else
inline constexpr bool pool_frames = true;
#endif

class FramePool {
 public:
  static void* take(std::size_t size) {
    if (!pool_frames || size > largest) return ::operator new(size);
    auto& list = local().lists_[(size + step - 1) / step];
    if (list.empty()) return ::operator new((size + step - 1) / step * step);
    void* memory = list.back();
    list.pop_back();
    return memory;
  }
  static void give(void* memory, std::size_t size) {
    if (!pool_frames || size > largest) return ::operator delete(memory);
    auto& list = local().lists_[(size + step - 1) / step];
    if (list.size() == kept_most) return ::operator delete(memory);
    list.push_back(memory);
  }
  ~FramePool() {
    for (auto& list : lists_)
      for (void* memory : list) ::operator delete(memory);
  }

 private:
  static constexpr std::size_t step = 64, largest = 16384, kept_most = 4096;
  static FramePool& local() {
    thread_local FramePool pool;
    return pool;
  }
  std::vector<void*> lists_[largest / step + 1];
};

// Base of objects that live in the pool.
struct Pooled {
  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* memory, std::size_t size) { FramePool::give(memory, size); }
};

}  // namespace gatehouse
