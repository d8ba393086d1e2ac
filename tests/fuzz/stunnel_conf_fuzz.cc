// A stunnel.conf of somebody: whatever it says, a section is carried with all its parts or refused with a word.

#include "tests/fuzz/require.h"
#include "tunnel/import.h"

using namespace gatehouse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const tunnel::StunnelConf conf = tunnel::read_stunnel_conf(text, "x.conf");
  REQUIRE(!conf.sections.empty());
  const tunnel::Imported imported = tunnel::import_stunnel(
      conf, "x.conf",
      [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{"a"}; });
  REQUIRE(imported.carried + imported.refused == conf.sections.size() - 1);
  REQUIRE(imported.carried == imported.tunnel.accept.size() + imported.tunnel.connect.size());
  REQUIRE(imported.refused == 0 || conf::has_error(imported.findings));
  for (const conf::TunnelAccept& accept : imported.tunnel.accept)
    REQUIRE(imported.tunnel.offer.contains(accept.service) && accept.address.port != 0 && !accept.allow.empty());
  for (const conf::TunnelConnect& connect : imported.tunnel.connect)
    REQUIRE(!connect.to.empty() && (!connect.listen.socket.empty() || connect.listen.address.ip.is_private()));
  return 0;
}
