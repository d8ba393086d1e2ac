// foreign.h: what the tags of another program's grammar mean in our own keys, tag by tag. Pure.
//   A tag that says the same is exact; one that says nearly the same is approximate, and how; the rest is not mapped,
//   and why. What is lost is told: a wish as a warning, a route or a restriction as an error. A route whose
//   restriction can't be kept is refused (Setting::refused), never served without it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "conf/finding.h"
#include "conf/service.h"
#include "conf/service_layer.h"

namespace gatehouse::catalog {

enum class Fit { exact, approximate, unmapped };

struct TagVerdict {
  std::string tag;
  Fit fit = Fit::exact;
  std::string why;                     // what differs, or is not mapped
  std::optional<conf::Severity> told;  // to whom reads `status`; nothing: only `catalog lint` shows it
  std::vector<std::string> native;     // what it became: "route=shop.example/media strip=/media"

  // Saying the same thing again changes nothing.
  void becomes(std::string setting);
  void differs(std::string_view how);  // and nothing that was asked for is missing
  void loses(std::string_view what);   // the tag holds, but for this
  void is_unmapped(std::string_view reason, std::optional<conf::Severity> severity);

 private:
  void add(std::string_view reason);
};

struct ForeignTags {
  conf::ServiceLayer layer;
  std::vector<TagVerdict> verdicts;   // a tag each, in their order
  std::optional<std::uint16_t> port;  // of the instance, where tags say another than the catalog
};

// A setting of the layer, noted at the tag that says it.
void say(ForeignTags& out, TagVerdict& verdict, const std::string& key, conf::Setting setting);

// What of gatehouse.yaml the meaning of a foreign tag hangs on.
struct SpellingContext {
  std::span<const conf::Listen> listen;
};

// The address of the first TLS listener, where TLS that is only passed through comes in as well; null: there is none.
const SocketAddress* tls_address(const SpellingContext& context);

}  // namespace gatehouse::catalog
