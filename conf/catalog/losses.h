// losses.h: who left within the last moments, as far as it says something of the catalog. Pure.
//   Somebody who left counts once. Who is back counts no longer; and who leaves again having come back within the
//   window is somebody who flaps, which says nothing of the others. Time steady clock as a parameter. Threads one.
//   Limits: what left within the window.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "net/clock.h"

namespace gatehouse::catalog {

template <class Key>
class Losses {
 public:
  void note(const Key& key, TimePoint now) {
    const auto [loss, fresh] = losses_.try_emplace(key);
    if (!fresh && !loss->second.back) return;
    loss->second = {now, false, !fresh};
    order_.emplace_back(now, key);
    count_ += loss->second.counts();
  }

  void note_back(const Key& key) {
    const auto loss = losses_.find(key);
    if (loss == losses_.end()) return;
    count_ -= loss->second.counts();
    loss->second.back = true;
  }

  // It didn't leave after all.
  void take_back(const Key& key) {
    const auto loss = losses_.find(key);
    if (loss == losses_.end()) return;
    count_ -= loss->second.counts();
    losses_.erase(loss);
  }

  void forget_before(TimePoint bound) {
    for (; !order_.empty() && order_.front().first < bound; order_.pop_front())
      if (const auto loss = losses_.find(order_.front().second);
          loss != losses_.end() && loss->second.at == order_.front().first)
        take_back(loss->first);
  }

  // Of those that leave now: one more to be counted.
  bool would_count(const Key& key) const { return !losses_.contains(key); }
  std::size_t count() const { return count_; }

 private:
  struct Loss {
    TimePoint at{};
    bool back = false, flaps = false;
    bool counts() const { return !back && !flaps; }
  };

  std::map<Key, Loss> losses_;
  std::deque<std::pair<TimePoint, Key>> order_;  // in which they left; of one that flaps each time
  std::size_t count_ = 0;
};

}  // namespace gatehouse::catalog
