// admission.h: what is decided about a request before any backend is asked. Pure: head and world in, verdict out.
//   Order: who is the client (trusted peers' chain, right to left) -> a certificate authority's challenge that is
//   open here (200: before whatever could stand in its way) -> bans (403, 429 or none), limits of every request (429)
//   -> TLS coverage of the host (421) -> path normalised (400) -> route (404; 400 where the path can be read as
//   another's) -> its refusal (503) -> http mode (redirect, 403) -> allow and deny (403) -> the route's limits (429)
//   -> maintenance (503) -> methods (405) -> preflight (204, 403) -> the route's own redirect -> rewriting (redirect,
//   400) -> body limit (413) -> upgrade, canary, hash and sticky endpoint. Whether it may pass (`auth`) is asked
//   after all of this, since that takes time. `gatehouse explain` walks the same function. Allocates only for
//   redirects. Lifetime: views point into the head's bytes, into the given scratch, or into the world.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/tls_server_context.h"
#include "proxy/http/access_log.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/head.h"
#include "proxy/http/head_writer.h"
#include "proxy/listener.h"
#include "proxy/world.h"
#include "ratelimit/gate.h"

namespace gatehouse::proxy {

// Whether one of the fields of that name is as it is asked for.
// Whether the condition on a field holds.
bool has_field(const http::RequestHead& head, const conf::HeaderMatch& asked);

struct Arrival {
  const http::RequestHead& head;
  const Listener& listener;
  IpAddress peer;
  const TlsSelection* tls = nullptr;      // what the handshake served; null without TLS
  const ratelimit::Gate* gate = nullptr;  // null: there is no guard
  std::int64_t wall_ms = 0;               // since 1970
  std::uint64_t dice = ~0ull;             // for the canary; as it stands none is chosen
};

// An answer instead of a backend's; status 0: none.
struct Refusal {
  int status = 0;
  http::Termination why = http::Termination::ok;
  std::string_view reason;  // a constant text, or the route's
  std::string location;     // of a redirect
  std::string_view allow;   // of a 405
  Millis retry_after{0};    // of a 503; 0: the usual
};

inline constexpr std::size_t location_bytes_max = 32 << 10;  // of a redirect; beyond: 414

struct Admission {
  http::ClientInfo client;
  std::string_view host;     // lower case, without the port
  std::string_view path;     // normalised, as routes saw it
  std::string_view query;    // without its "?"
  std::string_view forward;  // the target for the backend
  route::Match match;
  const ServicePool* pool = nullptr;          // whose endpoints get it
  const conf::RoutePolicy* policy = nullptr;  // the route's, which holds for the canary too
  bool canary = false;                        // the pool is the canary's
  bool secure = false;                        // the client came by TLS, as far as we believe
  bool upgrade = false;                       // wanted and allowed
  Millis hsts{0};
  http::AnswerFields fields;  // of every answer, ours too
  bool preflight = false;     // the refusal is its answer
  std::uint64_t hash = 0;
  std::optional<std::size_t> sticky;  // the endpoint its cookie names
  std::optional<ratelimit::BanVerdict> ban;
  ratelimit::LimitVerdict limit;           // who holds it up, or refuses it
  const std::string* challenge = nullptr;  // what a certificate authority gets; the refusal says 200, then
  Refusal refusal;
};

// Holds what had to be rewritten, while the admission is used.
struct AdmissionScratch {
  std::array<char, 256> host;
  std::array<char, (64 << 10) + 1> path;  // any that a head's slab holds
  std::array<char, 64 << 10> target, rewritten;
  std::array<char, (64 << 10) + 1> rewritten_path;
};

Admission admit(const Arrival& arrival, const World& world, AdmissionScratch& scratch);

// The operator's page for a status; null: ours.
const conf::Page* page_for(int status, std::span<const conf::Page> pages);

}  // namespace gatehouse::proxy
