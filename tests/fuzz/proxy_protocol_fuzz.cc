// A PROXY header from a stranger: never complete and incomplete at once, never more taken than given, its answer
// never changed by what follows, and what is complete is written and read back as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/proxy_protocol.h"

using gatehouse::ProxyReading;
using gatehouse::read_proxy_header;
using State = ProxyReading::State;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void require_same_ends(const gatehouse::ProxyHeader& a, std::string_view written) {
  const ProxyReading again = read_proxy_header(written);
  require(again.state == State::complete && again.consumed == written.size());
  require(again.header.local == a.local);
  require(a.local || (again.header.source == a.source && again.header.destination == a.destination));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyReading whole = read_proxy_header(bytes);
  require(whole.consumed <= size);
  if (whole.state != State::complete) {
    require(whole.consumed == 0);
    require(whole.state != State::incomplete || size < 16 + gatehouse::proxy_v2_body_max);
    return 0;
  }
  const ProxyReading exact = read_proxy_header(bytes.substr(0, whole.consumed));
  require(exact.state == State::complete && exact.consumed == whole.consumed);
  require(read_proxy_header(bytes.substr(0, whole.consumed - 1)).state == State::incomplete);
  for (unsigned type = 0; type < 256; ++type)
    if (const auto value = gatehouse::find_proxy_tlv(whole.header.tlvs, static_cast<std::uint8_t>(type)))
      require(value->data() >= bytes.data() && value->data() + value->size() <= bytes.data() + whole.consumed);
  require_same_ends(whole.header, gatehouse::write_proxy_v1(whole.header).view());
  require_same_ends(whole.header, gatehouse::write_proxy_v2(whole.header).view());
  return 0;
}
