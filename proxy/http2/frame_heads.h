// frame_heads.h: the heads of the frames in a stream of bytes (RFC 9113 4.1), whatever pieces it comes in.
//   nghttp2 tells of no frame that it ignores; who counts what a peer costs has to see them all. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::http2 {

struct FrameHead {
  std::uint32_t length = 0;
  std::uint8_t type = 0, flags = 0;
  std::int32_t stream = 0;
};

class FrameHeads {
 public:
  static constexpr std::size_t head_bytes = 9;

  template <class Visit>  // visit(const FrameHead&)
  void feed(std::string_view bytes, Visit visit) {
    while (!bytes.empty()) {
      if (skip_ > 0) {
        const auto skipped = std::min<std::size_t>(skip_, bytes.size());
        bytes.remove_prefix(skipped);
        skip_ -= static_cast<std::uint32_t>(skipped);
        continue;
      }
      const std::size_t some = std::min(head_bytes - have_, bytes.size());
      std::copy_n(bytes.begin(), some, head_.begin() + have_);
      have_ += some;
      bytes.remove_prefix(some);
      if (have_ < head_bytes) return;
      have_ = 0;
      const FrameHead head = read();
      skip_ = head.length;
      visit(head);
    }
  }

 private:
  FrameHead read() const {
    const auto byte = [this](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<std::uint8_t>(head_[i]));
    };
    FrameHead head;
    head.length = byte(0) << 16 | byte(1) << 8 | byte(2);
    head.type = static_cast<std::uint8_t>(head_[3]);
    head.flags = static_cast<std::uint8_t>(head_[4]);
    head.stream = static_cast<std::int32_t>((byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffff);
    return head;
  }

  std::array<char, head_bytes> head_{};
  std::size_t have_ = 0;
  std::uint32_t skip_ = 0;  // of the frame's payload
};

}  // namespace gatehouse::http2
