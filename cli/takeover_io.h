// takeover_io.h: how a running door hands what it has open to the one that replaces it.
//   Over a SOCK_SEQPACKET Unix socket beside the admin socket, mode 0600; the heir must be of our user, or root (SO_PEERCRED). The heir says
//   "gatehouse takeover 1" and is sent: "lock" with the state folder's lock, "sockets" with up to 128 listening ones,
//   as often as it takes, "tickets" with the keys of session tickets, and "end". Both serve the same sockets until
//   the heir says "serving": only then the other drains. An heir that ends before has changed nothing.
//   Threads  control. The heir waits, at most answer_time for each message: it serves nobody yet.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "net/asio.h"
#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse::cli {

// What is handed over: descriptors that both processes hold from then on.
struct Estate {
  int lock = -1;
  std::vector<int> sockets;
  std::string tickets;  // TicketKeys::bytes()
};

// Of the running door.
class TakeoverOffer {
 public:
  struct Calls {
    std::function<Estate()> begin;            // somebody is about to take over
    std::function<void()> broken_off;         // he did not
    std::function<void(pid_t heir)> is_done;  // he serves
  };
  virtual ~TakeoverOffer() = default;  // removes the socket's file
  virtual void leave_file() = 0;       // it is the heir's now
};
Result<std::unique_ptr<TakeoverOffer>> offer_takeover(asio::io_context& io, const std::string& path,
                                                      TakeoverOffer::Calls calls);

// Of the heir.
struct Inheritance {
  UniqueFd lock;
  std::vector<UniqueFd> sockets;
  std::string tickets;
  UniqueFd link;
};
// Nothing: no door runs there.
Result<std::optional<Inheritance>> ask_for_takeover(const std::string& path);
Status say_serving(const Inheritance& inheritance);

}  // namespace gatehouse::cli
