// watch.h: filters run on what happened, and the ban if it was one too many: the worker's own work, at once.
//   event -> jails whose filter matches -> strike -> at maxretry the ban table is written -> jails that count bans.
//   What happened is told to a ring of fixed records, for people: evidence, history. A full ring loses the record and
//   counts it; no decision waits for it.
#pragma once

#include <cstdint>

#include "net/log_ring.h"
#include "ratelimit/event.h"
#include "ratelimit/rules.h"
#include "ratelimit/tables.h"

namespace gatehouse::ratelimit {

// What is told of a strike or ban. Texts are cut.
struct StrikeRecord {
  // claim: the client says that it is the crawler whose name stands in `reason`, and it is to be looked into.
  enum class Kind : std::uint8_t { strike, ban, would_ban, claim };
  Kind kind = Kind::strike;
  std::uint16_t status = 0;
  unsigned offences = 0;
  IpAddress client;
  IpPrefix prefix;
  std::uint64_t at_ms = 0, until_ms = 0;  // monotonic
  char jail[jail_name_bytes] = {}, method[12] = {}, host[64] = {}, path[128] = {}, request_id[40] = {};
  char event[16] = {}, reason[32] = {};
};

struct Moment {
  std::uint64_t now_ms = 0;  // monotonic
  std::uint64_t dice = 0;
};

// True: the client is banned now, and was not before.
bool watch(const Event& event, const Rules& rules, Tables& tables, const Moment& moment, LogRing& told);

// The records that stand in a ring, the oldest first.
void read_records(LogRing& told, const std::function<void(const StrikeRecord&)>& visit);

std::uint64_t crawler_key(const Tables& tables, const IpAddress& client);  // of Tables::crawlers

// How often the prefix was banned before, as far as it is remembered.
unsigned offences_of(const BanTable& bans, const IpPrefix& prefix, std::uint64_t now_ms,
                     std::uint64_t forget_after_ms);

}  // namespace gatehouse::ratelimit
