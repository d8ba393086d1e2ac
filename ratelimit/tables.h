// tables.h: what all workers write of clients: one object for the life of the process.
//   Rules (rules.h) come and go with the configuration; what was counted under them stays here.
#pragma once

#include "net/siphash.h"
#include "ratelimit/ban_table.h"
#include "ratelimit/crawler_table.h"
#include "ratelimit/limit_table.h"

namespace gatehouse::ratelimit {

struct Tables {
  Tables(const SipKey& secret, std::size_t limit_keys, std::size_t most_bans)
      : key(secret), limits(limit_keys), bans(secret, most_bans) {}

  const SipKey key;
  LimitTable limits;
  BanTable bans;
  CrawlerTable crawlers;
};

}  // namespace gatehouse::ratelimit
