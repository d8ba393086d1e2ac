// waiting_line.h: the requests of one worker that wait for a place at a service's endpoints, the oldest first.
//   A place that is released wakes the oldest; who leaves, or can't use what there is, wakes the next. Places that
//   other workers release are found by looking now and then: the oldest often, the others seldom.
//   Threads  its worker's own. Limits: the service's `queue` bounds who may join.
#pragma once

#include "net/intrusive_list.h"
#include "net/loop.h"

namespace gatehouse::pool {

class WaitingLine {
 public:
  struct Place : private ListNode {
    Place(Waker& who, bool particular) : waker(who), choosy(particular) {}
    Waker& waker;
    const bool choosy;  // not every endpoint will do
    friend class WaitingLine;
  };

  void join(Place& place) {
    wake_oldest();  // who joins may have overlooked a place that became free
    place.link_before(places_);
    if (!place.choosy) ++easy_;
  }
  void leave(Place& place) {
    wake_after(place);
    place.unlink();
    if (!place.choosy) --easy_;
  }
  void wake_oldest() { wake_after(places_); }
  void wake_after(const Place& place) { wake_after(static_cast<const ListNode&>(place)); }

  bool is_oldest(const Place& place) const { return places_.next == &place; }
  // Somebody waits who would take any place: nobody who came later may take it.
  bool takes_any() const { return easy_ > 0; }

 private:
  void wake_after(const ListNode& node) {
    if (node.next != &places_) static_cast<Place&>(*node.next).waker.signal();
  }

  ListNode places_;
  unsigned easy_ = 0;
};

}  // namespace gatehouse::pool
