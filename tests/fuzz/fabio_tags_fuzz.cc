// fabio's tags, one a line: each is judged, what is said is well-formed, and who is to be kept out never gets in.
#include <cstdint>

#include "conf/catalog/fabio_tags.h"
#include "tests/fuzz/foreign_tags.h"

using namespace gatehouse;

namespace {

bool restricts(const std::string& tag) {
  const auto parsed = catalog::parse_fabio_tag(tag);
  for (const char* name : {"allow", "deny", "auth"})
    if (const std::string* value = parsed->option(name); value != nullptr && !value->empty()) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const conf::Instance instance = catalog::instance_of(text, "web");
  const std::vector<conf::Listen> listen = catalog::listeners();
  const catalog::ForeignTags tags = catalog::fabio_tags(instance, {listen});
  catalog::require_sound(tags);
  std::size_t ours = 0;
  for (const std::string& tag : instance.tags) ours += catalog::parse_fabio_tag(tag) ? 1 : 0;
  REQUIRE(tags.verdicts.size() == ours);
  for (const catalog::TagVerdict& verdict : tags.verdicts) {
    if (!restricts(verdict.tag) || verdict.fit == catalog::Fit::unmapped) continue;
    bool kept = false;
    for (const std::string& setting : verdict.native)
      kept = kept || setting.find("allow=") != setting.npos || setting.find("deny=") != setting.npos ||
             setting.find("auth=") != setting.npos;
    REQUIRE(kept || verdict.tag.find("proto=tcp") != verdict.tag.npos || verdict.tag.find("-:") != verdict.tag.npos);
  }
  catalog::require_translates({instance, catalog::instance_of(text, "canary")}, "fabio");
  return 0;
}
