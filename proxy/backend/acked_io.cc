#include "proxy/backend/acked_io.h"

#include <cerrno>
#include <cstddef>

#include <linux/tcp.h>  // netinet's tcp_info ends too early
#include <netinet/in.h>
#include <sys/socket.h>

namespace gatehouse::proxy {

std::optional<std::uint64_t> acked_bytes(const Stream& stream) {
  if (stream.tls) return std::nullopt;
  constexpr socklen_t least = offsetof(tcp_info, tcpi_bytes_acked) + sizeof(tcp_info::tcpi_bytes_acked);
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool told = getsockopt(stream.socket.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size >= least;
  return told && info.tcpi_bytes_acked > 0 ? std::optional(std::uint64_t{info.tcpi_bytes_acked}) : std::nullopt;
}

// Linux tells a reset that follows a FIN as EPIPE, so a plain ECONNRESET proves nothing.
std::optional<std::uint64_t> acked_at_end(const Stream& stream) {
  const int error = stream.socket.last_error();
  if (error != 0 && error != EPIPE) return std::nullopt;
  return acked_bytes(stream);
}

}  // namespace gatehouse::proxy
