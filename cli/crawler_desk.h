// crawler_desk.h: looks into who says that he is a crawler, off the data path: the DNS is asked, and the answer noted
//   where every worker finds it.
//   An address's names that are the crawler's are asked for their addresses: only if it is among them, it is proved.
//   Threads  control; each look is done by a thread of its own.
//   Limits   looks_most at once and waiting_most behind them: who comes then is unclear, as where the DNS is silent.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "net/asio.h"
#include "net/ip.h"
#include "net/result.h"
#include "ratelimit/crawler_table.h"

namespace gatehouse::cli {

class CrawlerDesk {
 public:
  static constexpr std::size_t looks_most = 4, waiting_most = 256, names_most = 8;
  using Verdict = std::function<void(const IpAddress& client, const std::string& crawler, ratelimit::CrawlerState)>;

  CrawlerDesk(asio::io_context& io, Verdict verdict) : io_(io), verdict_(std::move(verdict)) {}
  ~CrawlerDesk();

  void look_into(const IpAddress& client, const std::string& crawler, const std::string& resolver);

 private:
  struct Claim {
    IpAddress client;
    std::string crawler, resolver;
  };
  void begin(Claim claim);
  void came(const Claim& claim, ratelimit::CrawlerState state);

  asio::io_context& io_;
  const Verdict verdict_;
  std::deque<Claim> waiting_;
  std::size_t looks_ = 0;
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::future<Status>> running_;  // the last: they end before what they use
};

}  // namespace gatehouse::cli
