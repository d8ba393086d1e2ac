// client.h: whom an exchange serves: a connection that speaks HTTP/1.1, or one stream of a connection of HTTP/2.
//   What belongs to the connection (its TLS, its addresses) is asked of the carrier where there is one.
#pragma once

#include <memory>

#include "net/stream.h"
#include "net/task.h"
#include "net/tls_server_context.h"
#include "proxy/listener.h"
#include "proxy/worker_io.h"

namespace gatehouse::proxy {

struct Client {
  Client(Worker& home, std::shared_ptr<const Listener> door, const SocketAddress& from)
      : worker(home), listener(std::move(door)), waker(home.loop), peer(from) {}

  // What the TLS handshake chose; null without TLS.
  const TlsSelection* tls() const { return carrier ? carrier->tls() : selection.get(); }
  // Where the client connected to: the socket's own address, unless the PROXY header said another.
  SocketAddress destination() const;

  Worker& worker;
  const Client* carrier = nullptr;  // of a stream of HTTP/2: its connection
  std::shared_ptr<const Listener> listener;
  std::unique_ptr<TlsSelection> selection;  // of a connection over TLS; outlives the stream's SSL
  Stream stream;
  Waker waker;
  SocketAddress peer;  // who is connected; the PROXY header's source once it was read
  std::unique_ptr<const SocketAddress> told_destination;  // the PROXY header's
  Buffer in;                                              // read and not yet consumed
  unsigned requests = 0;
  bool was_cut = false;
  bool was_greedy = false;  // and that because it held most of a memory that was short
  bool was_banned = false;  // it is the peer itself who is banned: nothing more is served here
  bool linger = false;      // the client may still be sending: read it off before closing

 protected:
  ~Client() = default;
};

}  // namespace gatehouse::proxy
