// A ClientHello from a stranger: its answer never changes by what follows, it is never incomplete at its limit, and a
// message split into other records says the same.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/client_hello.h"
#include "tests/fuzz/require.h"

using gatehouse::ClientHelloReading;
using gatehouse::read_client_hello;
using State = ClientHelloReading::State;

namespace {

std::string_view name_of(const ClientHelloReading& read) {
  return read.server_name ? read.server_name->text() : std::string_view();
}

// The same bytes of messages, a record for each `size` of them.
std::string in_other_records(std::string_view bytes, std::size_t size) {
  std::string message, out;
  while (bytes.size() >= 5) {
    const std::size_t length =
        static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[3])) << 8 | static_cast<std::uint8_t>(bytes[4]);
    message += bytes.substr(5, length);
    bytes.remove_prefix(std::min(bytes.size(), 5 + length));
  }
  for (std::size_t at = 0; at < message.size(); at += size) {
    const std::string part = message.substr(at, size);
    out +=
        std::string("\x16\x03\x01", 3) + static_cast<char>(part.size() >> 8) + static_cast<char>(part.size()) + part;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClientHelloReading whole = read_client_hello(bytes);
  REQUIRE(whole.state != State::incomplete || size < gatehouse::client_hello_bytes_max);
  REQUIRE(whole.state == State::complete || !whole.server_name);
  if (whole.state == State::incomplete) return 0;
  const ClientHelloReading longer = read_client_hello(std::string(bytes) + "\x16\x03");
  REQUIRE(longer.state == whole.state && name_of(longer) == name_of(whole));
  if (whole.state == State::refused) return 0;
  const std::string split = in_other_records(bytes, 1 + size % 97);
  const ClientHelloReading again = read_client_hello(split);
  REQUIRE(split.size() > gatehouse::client_hello_bytes_max || again.state == State::complete);
  if (again.state == State::complete) REQUIRE(name_of(again) == name_of(whole));
  return 0;
}
