// guard_io.h: where the data plane meets the guard: the gate of a moment, what a refusal says, who waits his turn,
//   what is told of a request that is over.
#pragma once

#include <array>
#include <optional>

#include "net/clock.h"
#include "proxy/admission.h"
#include "proxy/client_io.h"
#include "proxy/http/head_writer.h"
#include "ratelimit/gate.h"

namespace gatehouse::proxy {

// None: the configuration has no guard.
std::optional<ratelimit::Gate> gate_of(const Worker& worker, const Settings& settings);

// Whether the client's connections are dropped at once.
bool drops(const Worker& worker, const IpAddress& client);

// X-Ban-Id of who is banned; RateLimit, RateLimit-Policy and Cache-Control of who is over a limit.
void put_guard_fields(const Admission& admission, http::HeadWriter& out);
Seconds retry_after(const Admission& admission, LoopTime now);
inline constexpr std::size_t ban_words_bytes = 96;
std::string_view ban_words(const ratelimit::BanVerdict& ban, std::span<char, ban_words_bytes> room);

// Why a TCP session is not carried; ok: it is.
http::Termination stopped_by_guard(const ClientConnection& client, const conf::TcpEntry& entry,
                                   const conf::Service& service);

}  // namespace gatehouse::proxy
