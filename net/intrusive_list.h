// intrusive_list.h: a doubly linked ring of nodes that live inside their owners: no allocation, O(1) unlink.
#pragma once

namespace gatehouse {

struct ListNode {
  ListNode* previous = this;
  ListNode* next = this;

  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next != this; }
  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  // Links this node in at the end of the ring whose head is given.
  void link_before(ListNode& head) {
    previous = head.previous;
    next = &head;
    head.previous->next = this;
    head.previous = this;
  }
};

// Moves every node of one ring to the end of another.
inline void splice_all(ListNode& from, ListNode& to) {
  if (!from.linked()) return;
  from.next->previous = to.previous;
  to.previous->next = from.next;
  from.previous->next = &to;
  to.previous = from.previous;
  from.previous = from.next = &from;
}

}  // namespace gatehouse
