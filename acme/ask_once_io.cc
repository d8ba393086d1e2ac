#include "acme/ask_once_io.h"

#include <optional>

#include "acme/url.h"

namespace gatehouse::acme {
namespace {

constexpr Millis look{100};
constexpr std::size_t answer_most = 256 << 10;

}  // namespace

Result<HttpClientReply> ask_once(const std::string& url, const std::string& ca, HttpClientRequest request,
                                 Millis within, const std::atomic<bool>& stop) {
  const Result<Url> place = read_url(url);
  if (!place) return place.error();
  SystemTrust system;
  HttpClient::Options options;
  options.place = place->place;
  options.body_most = answer_most;
  options.http1 = true;
  options.tls = [&]() -> Result<std::shared_ptr<const TlsClientPolicy>> {
    TlsClientPolicy policy;
    const auto found = ca.empty() ? system.look() : TrustStore::from_file(ca);
    if (!found) return found.error();
    policy.authorities = *found;
    return std::make_shared<const TlsClientPolicy>(std::move(policy));
  };
  asio::io_context io;
  HttpClient client(io, std::move(options));
  request.target = place->target;
  request.fields.emplace_back("User-Agent", "gatehouse/" GATEHOUSE_VERSION);
  std::optional<Result<HttpClientReply>> reply;
  client.send(std::move(request), within, [&](Result<HttpClientReply> got) { reply = std::move(got); });
  while (!reply && !stop.load(std::memory_order_relaxed)) {
    io.restart();
    io.run_for(look);
  }
  if (!reply) return Error{Errc::timed_out, url + ": broken off"};
  return std::move(*reply);
}

}  // namespace gatehouse::acme
