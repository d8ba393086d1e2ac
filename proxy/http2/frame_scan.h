// frame_scan.h: where the frames in a stream of bytes begin, and what their heads say (RFC 9113 4.1).
//   nghttp2 tells of no frame that it ignores (those of streams that are over, priorities), but they cost us all the
//   same, and some are errors. So each head is looked at before the library gets it. Pure; a few bytes of state.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::http2 {

struct FrameHead {
  std::uint32_t size = 0;  // of the payload
  std::uint8_t type = 0, flags = 0;
  std::int32_t stream = 0;
  std::int32_t depends_on = -1;  // of a PRIORITY frame; -1: not told
};

class FrameScan {
 public:
  enum class From { client, server };  // a client's begin with its preface

  explicit FrameScan(From from = From::client) : preface_left_(from == From::client ? preface_bytes : 0) {}

  // How many of the bytes may be passed on at once. `begun`: a frame's head became whole with the first of them; it
  // is in head().
  std::size_t next(std::string_view bytes, bool& begun) {
    begun = false;
    if (preface_left_ > 0) return take(preface_left_, bytes.size());
    if (left_ > 0) return take(left_, bytes.size());
    const std::size_t some = std::min(bytes.size(), wanted_ - held_);
    bytes.copy(held_bytes_.data() + held_, some);
    held_ += some;
    if (held_ == head_bytes && wanted_ == head_bytes && is_priority()) wanted_ += depends_bytes;
    if (held_ < wanted_) return some;
    begun = true;
    read_head();
    held_ = 0, wanted_ = head_bytes;
    return some;
  }

  const FrameHead& head() const { return head_; }

 private:
  static constexpr std::size_t preface_bytes = 24, head_bytes = 9, depends_bytes = 4;

  static std::size_t take(std::size_t& left, std::size_t size) {
    const std::size_t some = std::min(left, size);
    left -= some;
    return some;
  }
  std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(held_bytes_[at + i]);
    return value;
  }
  bool is_priority() const { return number(3, 1) == 2 && number(0, 3) >= depends_bytes; }
  void read_head() {
    constexpr std::uint32_t reserved = 0x7fffffff;
    head_ = {number(0, 3), static_cast<std::uint8_t>(number(3, 1)), static_cast<std::uint8_t>(number(4, 1)),
             static_cast<std::int32_t>(number(5, 4) & reserved), -1};
    left_ = head_.size;
    if (!is_priority()) return;
    head_.depends_on = static_cast<std::int32_t>(number(head_bytes, depends_bytes) & reserved);
    left_ -= depends_bytes;
  }

  FrameHead head_;
  std::array<char, head_bytes + depends_bytes> held_bytes_;
  std::size_t held_ = 0, wanted_ = head_bytes, preface_left_, left_ = 0;
};

}  // namespace gatehouse::http2
