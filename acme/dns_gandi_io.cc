// Gandi's LiveDNS. It knows no conditions: sets are read and written under a lock of ours, and read again after.
#include <mutex>

#include "acme/ask_once_io.h"
#include "acme/dns_provider_io.h"
#include "acme/live_dns.h"

namespace gatehouse::acme {
namespace {

constexpr const char* usual_api = "https://api.gandi.net/v5/livedns";
constexpr int tries = 3;

Result<std::vector<std::string>> values_at(const std::string& url, const conf::DnsZone& zone,
                                           const HttpClientRequest& asked, const std::atomic<bool>& stop) {
  const auto reply = ask_once(url, zone.ca, asked, provider_time, stop);
  if (!reply) return reply.error();
  if (reply->status == 404) return std::vector<std::string>();  // no set; or no zone, which a PUT will tell
  if (reply->status != 200) return Error{Errc::refused, live_dns_refusal(reply->status, reply->body)};
  return live_dns_values(reply->body);
}

}  // namespace

Status change_by_gandi(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const Result<std::string> token = read_secret(zone.token);
  if (!token) return token.error();
  const std::string url = (zone.url.empty() ? usual_api : zone.url) + "/domains/" + zone.zone + "/records/" +
                          live_dns_label(change.name, zone.zone) + "/TXT";
  HttpClientRequest request;
  request.fields = {{"Authorization", "Bearer " + *token}, {"Accept", "application/json"}};
  for (int i = 0; i < tries; ++i) {
    const auto values = values_at(url, zone, request, stop);
    if (!values) return values.error();
    const auto wanted = live_dns_change(*values, change.present, change.value);
    if (!wanted) return Done{};  // as it should be: by us, or from before
    HttpClientRequest write = request;
    write.method = wanted->empty() ? "DELETE" : "PUT";
    if (!wanted->empty()) {
      write.body = live_dns_body(*wanted);
      write.fields.emplace_back("Content-Type", "application/json");
    }
    const auto reply = ask_once(url, zone.ca, std::move(write), provider_time, stop);
    if (!reply) return reply.error();
    if (reply->status / 100 != 2) return Error{Errc::refused, live_dns_refusal(reply->status, reply->body)};
  }
  return Error{Errc::unavailable, "LiveDNS took the change and shows it not: somebody else writes " + change.name};
}

}  // namespace gatehouse::acme
