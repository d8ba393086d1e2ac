#include "conf/catalog/consul_reading_io.h"

#include <algorithm>
#include <map>

#include "conf/catalog/consul_agent_io.h"
#include "conf/catalog/consul_health.h"
#include "conf/catalog/spellings.h"
#include "net/encoding.h"

namespace gatehouse::catalog {
namespace {

constexpr Millis answer_within = 15s;

class Reading {
 public:
  Reading(asio::io_context& io, const conf::ConsulServer& server)
      : place_{server.datacenter, server.datacenter.empty() ? "consul" : "consul " + server.datacenter,
               server.tagged_address},
        io_(io),
        agent_(io, server) {
    agent_.get("/v1/catalog/services?stale", answer_within,
               [this](const Result<ConsulReply>& got) { take_names(got); });
  }

  Result<std::vector<conf::Instance>> result() const {
    if (!trouble_.empty()) return Error{Errc::unavailable, place_.shown_as + ": " + trouble_};
    std::vector<conf::Instance> out;
    for (const auto& [name, found] : found_) out.insert(out.end(), found.begin(), found.end());
    return out;
  }

 private:
  // Whether the answer can be read on; else all ends with why not.
  bool is_good(const Result<ConsulReply>& got) {
    if (!got)
      end(got.error().what);
    else if (judge(*got) != ConsulFault::none)
      end(trouble_of(*got));
    return trouble_.empty();
  }

  void end(std::string trouble) {
    trouble_ = std::move(trouble);
    io_.stop();
  }

  void take_names(const Result<ConsulReply>& got) {
    if (!is_good(got)) return;
    const Result<ServiceTags> names = parse_services(got->body);
    if (!names) return end(names.error().what);
    for (const auto& [name, tags] : *names) {
      if (std::all_of(tags.begin(), tags.end(), [](const auto& tag) { return spelling_of(tag).empty(); })) continue;
      ++awaited_;
      agent_.get("/v1/health/service/" + percent_encoded(name) + "?stale", answer_within,
                 [this, service = name](const Result<ConsulReply>& answer) { take_health(service, answer); });
    }
    if (awaited_ == 0) io_.stop();
  }

  void take_health(const std::string& service, const Result<ConsulReply>& got) {
    if (!is_good(got)) return;
    Result<std::vector<conf::Instance>> found = parse_health(got->body, place_);
    if (!found) return end(service + ": " + found.error().what);
    found_[service] = std::move(*found);
    if (--awaited_ == 0) io_.stop();
  }

  ConsulPlace place_;
  asio::io_context& io_;
  std::map<std::string, std::vector<conf::Instance>> found_;
  std::string trouble_;
  std::size_t awaited_ = 0;  // answers
  ConsulAgent agent_;        // the last: its callbacks end first
};

}  // namespace

Result<std::vector<conf::Instance>> read_consul(const conf::ConsulServer& server) {
  asio::io_context io;
  Reading reading(io, server);
  io.run();
  return reading.result();
}

}  // namespace gatehouse::catalog
