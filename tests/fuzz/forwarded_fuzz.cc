// Whatever stands in X-Forwarded-For and Forwarded: every hop but the client is trusted, what the peer appended
// itself is always seen, and what is told is well-formed.
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/http/authority.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/parse.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using namespace gatehouse::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool rfc7239 = data[0] & 1, appended = data[0] & 2;
  std::string value(reinterpret_cast<const char*>(data + 1), size - 1);
  if (appended) value += rfc7239 ? ", for=192.0.2.7;proto=https" : ", 192.0.2.7";
  const std::string bytes = std::string("GET / HTTP/1.1\r\nHost: a\r\n") +
                            (rfc7239 ? "Forwarded: " : "X-Forwarded-For: ") + value + "\r\n\r\n";
  RequestHead head;
  if (parse_request_head(bytes, {}, head) != ParseState::complete || head.size != bytes.size()) return 0;
  static const std::vector<IpPrefix> trusted{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("2001:db8::/32")};
  const IpAddress peer = IpAddress::v4(10, 0, 0, 1);
  const ClientInfo client = client_of(peer, trusted, head);
  REQUIRE(client.peer_trusted && client.hop_count >= 1 && client.hop_count <= hops_max && client.peer() == peer);
  for (unsigned i = 0; i + 1 < client.hop_count; ++i) REQUIRE(is_in(trusted, client.hop[i]));
  REQUIRE(client.proto.empty() || client.proto == "http" || client.proto == "https");
  REQUIRE(client.host.empty() || parse_authority(client.host));
  const auto fields = head.fields();
  if (appended && fields.size() == 2) REQUIRE(client.address() == IpAddress::v4(192, 0, 2, 7));
  return 0;
}
