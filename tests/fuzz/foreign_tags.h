// foreign_tags.h: what must hold of any instance's foreign tags, whatever they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/foreign.h"
#include "conf/catalog/lint.h"
#include "conf/catalog/translate.h"
#include "conf/route_value.h"
#include "conf/service_keys.h"
#include "conf/words.h"
#include "tests/fuzz/require.h"

namespace gatehouse::catalog {

// A tag a line.
inline conf::Instance instance_of(std::string_view text, const std::string& service) {
  conf::Instance out{.datacenter = "dc1",
                     .node = "fd1",
                     .service = service,
                     .id = service + "-1",
                     .address = "10.0.0.1",
                     .port = 8000};
  for (const std::string_view line : conf::split_list(text, '\n')) out.tags.emplace_back(line);
  return out;
}

inline std::vector<conf::Listen> listeners() {
  return {{.name = "http", .address = {IpAddress(), 80}},
          {.name = "https", .address = {IpAddress(), 443}, .tls = true}};
}

// Everything said is well-formed and what tags may say; what is not mapped is told somewhere.
inline void require_sound(const ForeignTags& tags) {
  for (const auto& [key, settings] : tags.layer.settings)
    for (const conf::Setting& setting : settings) {
      REQUIRE(!conf::check_setting(key, setting.value, conf::Trust::tags));
      if (key == "route") REQUIRE(static_cast<bool>(conf::parse_route(setting.value)));
      REQUIRE(setting.refused.empty() || key == "route");
    }
  bool told = false, refused = false;
  for (const TagVerdict& verdict : tags.verdicts) {
    REQUIRE((verdict.fit == Fit::exact) == verdict.why.empty());
    REQUIRE(verdict.fit != Fit::exact || !verdict.told);
    told = told || verdict.told == conf::Severity::error;
  }
  if (const auto routes = tags.layer.settings.find("route"); routes != tags.layer.settings.end())
    for (const conf::Setting& route : routes->second) refused = refused || !route.refused.empty();
  REQUIRE(told || !refused);
}

// Two services with these tags make a table, and the same one again, with printable findings.
inline void require_translates(const std::vector<conf::Instance>& instances, const std::string& spelling) {
  conf::Config config;
  config.listen = listeners();
  config.catalog.spellings = {spelling};
  TranslateInput input{.instances = instances, .config = config};
  input.read_file = [](const std::string&) -> Result<std::string> { return invalid("no files here"); };
  const conf::RoutingTable first = translate(input);
  input.previous = &first;
  const conf::RoutingTable second = translate(input);
  REQUIRE(first.services == second.services);
  for (const conf::Finding& finding : second.findings)
    for (const char c : finding.text()) REQUIRE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  for (const char c : lint_text(lint(instances, config.listen)))
    REQUIRE(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
}

}  // namespace gatehouse::catalog
