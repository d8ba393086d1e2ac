// guard_io.h: where the data plane meets the guard: the gate of a moment, what a refusal says, who waits his turn,
//   what is told of a request that is over, of a handshake that failed, and of what an application said of its client.
#pragma once

#include <array>
#include <optional>

#include "net/clock.h"
#include "proxy/admission.h"
#include "proxy/client_io.h"
#include "proxy/http/head_writer.h"
#include "ratelimit/event.h"
#include "ratelimit/gate.h"

namespace gatehouse::proxy {

// None: the configuration has no guard.
std::optional<ratelimit::Gate> gate_of(const Worker& worker, const Settings& settings);

// Whether the client's connections are dropped at once.
bool drops(const Worker& worker, const IpAddress& client);

// Whether the client is banned, whatever its ban does.
bool is_banned(const Worker& worker, const IpAddress& client);

// What happened with a client outside of requests: `event` is one of ratelimit::event_kind. Who is banned already
// shows nothing.
void show_to_guard(Worker& worker, const IpAddress& client, std::string_view event, std::string_view reason);

// X-Ban-Id of who is banned; RateLimit, RateLimit-Policy and Cache-Control of who is over a limit.
void put_guard_fields(const Admission& admission, http::HeadWriter& out);
Seconds retry_after(const Admission& admission, LoopTime now);
inline constexpr std::size_t ban_words_bytes = 96;
std::string_view ban_words(const ratelimit::BanVerdict& ban, std::span<char, ban_words_bytes> room);

// Why a TCP session is not carried; ok: it is.
http::Termination stopped_by_guard(const ClientConnection& client, const conf::TcpEntry& entry,
                                   const conf::Service& service);

}  // namespace gatehouse::proxy
