#include "cli/crawler_desk.h"

#include <algorithm>

#include "net/aside.h"
#include "net/clock.h"
#include "net/dns_ask.h"
#include "ratelimit/crawlers.h"

namespace gatehouse::cli {
namespace {

using State = ratelimit::CrawlerState;

State judge(const IpAddress& client, const ratelimit::Crawler& crawler, const DnsAsk& ask) {
  const auto names = ask.names(client);
  if (!names) return names.error().code == Errc::unavailable ? State::refuted : State::unclear;
  State out = State::refuted;
  for (std::size_t i = 0; i < names->size() && i < CrawlerDesk::names_most; ++i) {
    if (!ratelimit::is_of(crawler, (*names)[i])) continue;
    const auto addresses = ask.addresses((*names)[i]);
    if (!addresses && addresses.error().code != Errc::unavailable) out = State::unclear;
    if (addresses && std::find(addresses->begin(), addresses->end(), client) != addresses->end())
      return State::proved;
  }
  return out;
}

const ratelimit::Crawler* named(const std::string& name) {
  for (const ratelimit::Crawler& each : ratelimit::known_crawlers())
    if (each.name == name) return &each;
  return nullptr;
}

}  // namespace

CrawlerDesk::~CrawlerDesk() {
  *alive_ = false;
  stop_->store(true);
}

void CrawlerDesk::look_into(const IpAddress& client, const std::string& crawler, const std::string& resolver) {
  if (waiting_.size() >= waiting_most) return verdict_(client, crawler, State::unclear);
  waiting_.push_back({client, crawler, resolver});
  if (looks_ >= looks_most) return;
  Claim next = std::move(waiting_.front());
  waiting_.pop_front();
  begin(std::move(next));
}

void CrawlerDesk::begin(Claim claim) {
  const ratelimit::Crawler* crawler = named(claim.crawler);
  if (crawler == nullptr) return;
  ++looks_;
  std::erase_if(running_, [](auto& each) { return each.wait_for(Seconds(0)) == std::future_status::ready; });
  auto started = start_aside("crawlers", [this, &io = io_, alive = alive_, stop = stop_, claim, crawler]() -> Status {
    const State state = judge(claim.client, *crawler, DnsAsk(claim.resolver, true, *stop));
    asio::post(io, [this, alive, claim, state] {
      if (*alive) came(claim, state);
    });
    return Done{};
  });
  if (!started) return came(claim, State::unclear);
  running_.push_back(std::move(*started));
}

void CrawlerDesk::came(const Claim& claim, State state) {
  --looks_;
  verdict_(claim.client, claim.crawler, state);
  if (waiting_.empty()) return;
  Claim next = std::move(waiting_.front());
  waiting_.pop_front();
  begin(std::move(next));
}

}  // namespace gatehouse::cli
