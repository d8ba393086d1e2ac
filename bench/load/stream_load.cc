// stream_load.cc: one download of 1 GiB: `stream_load PORT [tls]`. Prints the MiB that arrived.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "bench/load/client.h"
#include "bench/load/response.h"

namespace gatehouse::bench {
namespace {

constexpr std::string_view request =
    "GET /1g HTTP/1.1\r\nHost: localhost\r\nUser-Agent: stream_load\r\nConnection: close\r\n\r\n";
constexpr std::uint64_t expected = 1ull << 30;

// Bytes of the body that arrived; 0 also when the head was not what it should be.
std::uint64_t download(Connection connection) {
  if (!connection.open() || !connection.send(request)) return 0;
  std::vector<char> bytes(256 << 10);
  std::size_t filled = 0;
  std::optional<Response> response;
  while (!response) {
    const ssize_t got = connection.receive(bytes.data() + filled, bytes.size() - filled);
    if (got <= 0) return 0;
    filled += static_cast<std::size_t>(got);
    response = read_response({bytes.data(), filled});
  }
  if (!response->good || response->body_size != expected) return 0;
  std::uint64_t arrived = filled - response->head_size;
  while (arrived < expected) {
    const ssize_t got = connection.discard(bytes.data(), bytes.size());
    if (got <= 0) break;
    arrived += static_cast<std::uint64_t>(got);
  }
  return arrived;
}

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  using namespace gatehouse::bench;
  if (argc < 2) {
    std::fputs("usage: stream_load PORT [tls]\n", stderr);
    return 2;
  }
  std::optional<TlsContext> tls;
  if (argc > 2) tls.emplace("X25519:P-256").read_ahead(128 << 10);
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::uint64_t arrived = download(Connection(port, tls ? &*tls : nullptr));
  std::printf("units=%llu errors=%d\n", static_cast<unsigned long long>(arrived >> 20), arrived != expected);
}
