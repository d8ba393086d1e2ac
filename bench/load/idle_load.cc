// idle_load.cc: opens COUNT keep-alive connections, asks once on each, then holds them: `idle_load PORT COUNT [tls]`.
//   Prints how many were answered, and ends when its standard input does.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "bench/load/client.h"
#include "bench/load/response.h"

namespace gatehouse::bench {
namespace {

constexpr std::string_view request = "GET /1k HTTP/1.1\r\nHost: localhost\r\nUser-Agent: idle_load\r\n\r\n";

bool ask_once(Connection& connection) {
  if (!connection.open() || !connection.send(request)) return false;
  char bytes[8192];
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = connection.receive(bytes + filled, sizeof bytes - filled);
    if (got <= 0) return false;
    filled += static_cast<std::size_t>(got);
    const auto response = read_response({bytes, filled});
    if (response && response->size() == filled) return response->good;
  }
}

}  // namespace
}  // namespace gatehouse::bench

int main(int argc, char** argv) {
  using namespace gatehouse::bench;
  if (argc < 3) {
    std::fputs("usage: idle_load PORT COUNT [tls]\n", stderr);
    return 2;
  }
  std::optional<TlsContext> tls;
  if (argc > 3) tls.emplace("X25519:P-256");
  const int count = std::atoi(argv[2]);
  std::vector<Connection> held;
  int units = 0;
  for (int i = 0; i < count; ++i) {
    Connection& connection = held.emplace_back(static_cast<std::uint16_t>(std::atoi(argv[1])), tls ? &*tls : nullptr);
    if (!ask_once(connection)) break;  // one refusal is enough to spoil the measure
    ++units;
  }
  std::printf("units=%d errors=%d\n", units, count - units);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
