// dial_io.h: steps of making a connection, to a service or an exit, each within a deadline and as long as somebody waits for it.
#pragma once

#include <optional>
#include <string_view>

#include "net/result.h"
#include "net/stream.h"
#include "net/task.h"
#include "tunnel/plan.h"

namespace gatehouse::tunnel {

struct Dialling {
  Loop& loop;
  Waker& waker;
  const Socket* client;  // who waits for it; null: nobody. Gone: Errc::closed
  LoopTime deadline;
  bool given_up() const { return client != nullptr && client->failed(); }
};

// TCP or Unix; `stream` is fresh.
Task<Status> connect_stream(Stream& stream, const DialAddress& to, const Dialling& how);
Task<Status> shake_hands(Stream& stream, const Dialling& how);
Task<Status> send_whole(Stream& stream, std::string_view bytes, const Dialling& how);
// An exit: TCP, TLS, and proof that it was by the key.
Task<Status> secure(Stream& stream, const Entry& entry, const Target& target, const DialAddress& address,
                    const PskClientContext& context, const Dialling& how, std::string_view protocol);
// An exit's word, one byte, if it has come. Done: the service is reached.
std::optional<Status> read_word(Stream& stream);

}  // namespace gatehouse::tunnel
