// lane.h: one of several streams that share a connection: what an HTTP/2 stream is to whoever moves bytes.
//   A Stream may be backed by a lane instead of a socket. What is received from it and sent to it are the bytes of
//   HTTP/1.1; whoever owns the connection turns them into frames. As with a socket, operations try and tell; what
//   would block is resumed by the waker.
//   Threads  the loop's own. Ownership: the connection's; a Stream only borrows it.
#pragma once

#include "net/socket.h"

namespace gatehouse {

class Lane {
 public:
  virtual IoResult receive(char* data, std::size_t size) = 0;
  virtual IoResult send(const char* data, std::size_t size) = 0;
  virtual void end_sending() = 0;
  // Breaks it off: the peer sees that something was cut, not that it ended. It has failed() from then on.
  virtual void reset() = 0;

  bool readable() const { return readable_; }  // bytes, the end or a failure can be had
  bool writable() const { return writable_; }
  bool peer_ended() const { return ended_; }
  bool failed() const { return failed_; }
  void set_waker(Waker* waker) { waker_ = waker; }
  void wake() {
    if (waker_ != nullptr) waker_->signal();
  }

 protected:
  Lane() = default;
  Lane(const Lane&) = delete;
  ~Lane() = default;

  Waker* waker_ = nullptr;
  bool readable_ = false, writable_ = true, ended_ = false, failed_ = false;
};

}  // namespace gatehouse
