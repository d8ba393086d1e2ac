// A server_name extension from a stranger: what comes out of it is a name in HostName's form, taken from its end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/server_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view extension(reinterpret_cast<const char*>(data), size);
  const auto host = gatehouse::read_server_name(extension);
  if (!host) return 0;
  const auto again = gatehouse::HostName::parse(host->text());
  if (!again || again->text() != host->text() || host->text().size() > size - 5) std::abort();
  for (const char c : host->text())
    if (c <= ' ' || c == '*' || (c >= 'A' && c <= 'Z') || c == 0x7f) std::abort();
  return 0;
}
