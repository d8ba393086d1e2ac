// nonce_pool.h: nonces that a CA gave us for later (RFC 8555 6.5). The freshest is used first.
//   Threads  one. Time is a parameter.  Limits  nonces_most, the oldest goes; none is older than age_most.
#pragma once

#include <deque>
#include <string>

#include "net/clock.h"

namespace gatehouse::acme {

class NoncePool {
 public:
  static constexpr std::size_t nonces_most = 32;
  static constexpr std::size_t bytes_most = 256;
  static constexpr Millis age_most = std::chrono::minutes(5);

  void put(std::string_view nonce, TimePoint now) {
    if (nonce.empty() || nonce.size() > bytes_most) return;
    for (const char c : nonce)  // base64url alone (RFC 8555 6.5.1)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
        return;
    nonces_.push_back({std::string(nonce), now});
    if (nonces_.size() > nonces_most) nonces_.pop_front();
  }
  std::string take(TimePoint now) {  // empty: there is none
    if (nonces_.empty() || now - nonces_.back().since > age_most) return nonces_.clear(), std::string();
    std::string nonce = std::move(nonces_.back().text);
    nonces_.pop_back();
    return nonce;
  }
  std::size_t size() const { return nonces_.size(); }

 private:
  struct Nonce {
    std::string text;
    TimePoint since;
  };
  std::deque<Nonce> nonces_;
};

}  // namespace gatehouse::acme
