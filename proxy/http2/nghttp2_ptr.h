// nghttp2_ptr.h: owners of nghttp2's handles, and the memory that its sessions live in.
//   A session's memory comes from the thread's FramePool, so that limits.memory counts it and steady state asks no
//   general allocator. A session never leaves its thread.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "net/frame_pool.h"

namespace gatehouse::http2 {

struct Nghttp2Free {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
using SessionPtr = std::unique_ptr<nghttp2_session, Nghttp2Free>;
using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, Nghttp2Free>;
using OptionPtr = std::unique_ptr<nghttp2_option, Nghttp2Free>;

// The size of each piece stands in front of it: nghttp2 doesn't say it when it frees.
struct PooledMemory {
  static constexpr std::size_t front = 16;

  static void* take(std::size_t size, void*) {
    char* const memory = static_cast<char*>(FramePool::take(size + front));
    std::memcpy(memory, &size, sizeof size);
    return memory + front;
  }
  static std::size_t size_of(const void* memory) {
    std::size_t size;
    std::memcpy(&size, static_cast<const char*>(memory) - front, sizeof size);
    return size;
  }
  static void give(void* memory, void*) {
    if (memory != nullptr) FramePool::give(static_cast<char*>(memory) - front, size_of(memory) + front);
  }
  static void* take_zeroed(std::size_t count, std::size_t size, void*) {
    return std::memset(take(count * size, nullptr), 0, count * size);
  }
  static void* resize(void* memory, std::size_t size, void*) {
    if (memory == nullptr) return take(size, nullptr);
    void* const larger = take(size, nullptr);
    std::memcpy(larger, memory, std::min(size, size_of(memory)));
    give(memory, nullptr);
    return larger;
  }
  static nghttp2_mem* table() {
    static nghttp2_mem functions{nullptr, take, give, take_zeroed, resize};
    return &functions;
  }
};

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// nghttp2 copies both, and writes the name in small letters.
inline nghttp2_nv header_field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

}  // namespace gatehouse::http2
