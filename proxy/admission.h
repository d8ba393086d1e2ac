// admission.h: what is decided about a request before any backend is asked. Pure: head and world in, verdict out.
//   Order: who is the client (trusted peers' chain, right to left) -> Host and TLS coverage (421) -> path normalised
//   (400) -> route (404) -> its refusal (503) -> http mode (redirect, refuse) -> allow and deny (403) -> websocket ->
//   redirect -> body limit (413) -> hash and sticky endpoint.
//   `gatehouse explain` walks the same function. Allocates only for answers of our own.
//   Lifetime: views point into the head's bytes, into the given scratch, or into the world.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "net/certificate_set.h"
#include "proxy/http/access_log.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/head.h"
#include "proxy/http/local_reply.h"
#include "proxy/listener.h"
#include "proxy/world.h"

namespace gatehouse::proxy {

struct Arrival {
  const http::RequestHead& head;
  const Listener& listener;
  SocketAddress peer;
  const Certificate* certificate = nullptr;  // what the handshake chose; null without TLS
};

struct Refusal {
  int status = 0;  // 0: none
  http::Termination why = http::Termination::ok;
  std::string location;         // for redirects
  std::string_view reason;      // for the log and the body
  Millis retry_after{0};
};

struct Admission {
  http::ClientAddress client;
  std::string_view host;       // lower case, without the port
  std::uint16_t host_port = 0;
  std::string_view path, query, forward_target;
  const route::RouteTarget* route = nullptr;
  const pool::ServicePool* service = nullptr;
  bool secure = false;         // the client came by TLS, as far as we believe
  bool upgrade = false;        // wanted and allowed
  std::uint64_t hash = 0;
  std::uint32_t sticky_endpoint = pool::no_endpoint;
  bool set_sticky = false;
  Refusal refusal;
};

// `scratch` holds the lower-case host and the normalised path while the admission is used.
Admission admit(const Arrival& arrival, const World& world, std::span<char> scratch);

// The operator's page for a status, of the route that was chosen; null: ours.
const conf::Page* page_for(int status, const conf::RoutePolicy& policy);

}  // namespace gatehouse::proxy
