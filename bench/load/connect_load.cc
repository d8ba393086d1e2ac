// connect_load.cc: one connection for each request: `connect_load PORT SECONDS [GROUP]`.
//   With GROUP (P-256, X25519) each connection is a full TLS 1.3 handshake over that group. Sixteen threads, each
//   with one connection at a time; prints how many were answered in full.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include "bench/load/client.h"
#include "bench/load/response.h"

namespace gatehouse::bench {
namespace {

constexpr int threads = 16;
constexpr std::string_view request =
    "GET /1k HTTP/1.1\r\nHost: localhost\r\nUser-Agent: connect_load\r\nConnection: close\r\n\r\n";

bool one_exchange(std::uint16_t port, const TlsContext* tls) {
  Connection connection(port, tls);
  if (!connection.open() || !connection.send(request)) return false;
  char bytes[8192];
  std::size_t filled = 0;
  for (ssize_t got; filled < sizeof bytes && (got = connection.receive(bytes + filled, sizeof bytes - filled)) > 0;)
    filled += static_cast<std::size_t>(got);
  const auto response = read_response({bytes, filled});
  return response && response->good && response->size() == filled;
}

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  using namespace gatehouse::bench;
  if (argc < 3) {
    std::fputs("usage: connect_load PORT SECONDS [GROUP]\n", stderr);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  std::optional<TlsContext> tls;
  if (argc > 3 && !tls.emplace(argv[3]).usable()) {
    std::fputs("connect_load: this group is not known here\n", stderr);
    return 2;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(argv[2]));
  std::atomic<long> units = 0, errors = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < threads; ++i)
    clients.emplace_back([&] {
      while (std::chrono::steady_clock::now() < end) ++(one_exchange(port, tls ? &*tls : nullptr) ? units : errors);
    });
  clients.clear();
  std::printf("units=%ld errors=%ld\n", units.load(), errors.load());
}
