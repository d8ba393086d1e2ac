// odd_events.h: one bucket for all that a client of HTTP/2 may do, and that no client does much of.
//   Streams reset, by the client or because it made us reset them; PING, SETTINGS, PRIORITY, CONTINUATION, empty and
//   unknown frames; window updates that no data of ours called for. Each is cheap to send and costs us some work:
//   Rapid Reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671), the floods of CVE-2019-9511 to 9518 and CONTINUATION
//   floods (CVE-2024-28182) are all made of them. What exceeds burst and rate ends the connection.
//   Pure: time is a parameter.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatehouse::http2 {

class OddEvents {
 public:
  explicit OddEvents(unsigned burst) : burst_(burst), room_(burst) {}

  // False: too many. A thirtieth of the burst is forgiven each second.
  bool note(std::uint64_t now_ms) {
    if (now_ms > seen_ms_) {
      room_ = std::min(double(burst_), room_ + double(now_ms - seen_ms_) * burst_ / 30'000);
      seen_ms_ = now_ms;
    }
    ++total_;
    if (room_ < 1) return false;
    room_ -= 1;
    return true;
  }
  // Of window updates only those count that come without data of ours.
  bool note_window_update(std::uint64_t now_ms) {
    if (updates_ == 0) return note(now_ms);
    --updates_;
    return true;
  }
  void sent_data() { updates_ = std::min(updates_ + updates_per_data, updates_most); }

  std::uint64_t total() const { return total_; }

 private:
  // A client may update stream and connection for each frame, and does so rather for a part of one.
  static constexpr unsigned updates_per_data = 10, updates_most = 10'000, updates_at_first = 200;

  double burst_, room_;
  std::uint64_t seen_ms_ = 0, total_ = 0;
  unsigned updates_ = updates_at_first;
};

}  // namespace gatehouse::http2
