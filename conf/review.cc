#include "conf/review.h"

#include "conf/route_value.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

constexpr std::string_view yaml_spelling = "yaml", native_spelling = "native", entries_spelling = "consul";

Severity weight_of(const NotCarried& later) { return later.refused ? Severity::error : Severity::warning; }

void review_networks(std::string_view key, std::string_view value, const Position& at, const std::string& path,
                     Findings& findings) {
  if (key != "allow" && key != "deny") return;
  for (const std::string_view part : split_list(value))
    if (std::string meant = network_meant(part); !meant.empty())
      findings.push_back({at, path, std::move(meant), Severity::warning});
}

// The options of a route that can be read but are not carried; wrong ones are found by check_setting.
void review_route_options(const Setting& setting, const std::string& path, Findings& findings) {
  const Result<RouteSetting> route = parse_route(setting.value);
  if (!route) return;
  for (const Option& option : route->options) {
    review_networks(option.name, option.value, setting.at, path, findings);
    if (const auto later = not_carried(option.name, option.value))
      findings.push_back(
          {setting.at, path, route->match.text() + ": " + option.name + ": " + later->what, weight_of(*later)});
  }
}

}  // namespace

Trust said_by(const ServiceLayer& layer) { return layer.spelling == yaml_spelling ? Trust::file_only : Trust::tags; }

std::string setting_path(const ServiceLayer& layer, std::string_view service, std::string_view key) {
  if (layer.spelling == yaml_spelling) return "services." + std::string(service) + "." + std::string(key);
  if (layer.spelling == native_spelling) return std::string(service) + ": gatehouse." + std::string(key);
  if (layer.spelling == entries_spelling) return std::string(service) + ": " + std::string(key);
  return std::string(service) + ": " + std::string(key) + ", by its " + layer.spelling + " tags";
}

Findings review_layer(const ServiceLayer& layer, std::string_view service) {
  Findings findings;
  for (const auto& [name, settings] : layer.settings) {
    const std::string path = setting_path(layer, service, name);
    const ServiceKey* key = find_service_key(name);
    if (key != nullptr && !key->repeatable && settings.size() > 1)
      findings.push_back({settings[1].at, path, "said more than once; the last one counts", Severity::warning});
    if (service == "*" && (name == "route" || name == "tcp")) {
      findings.push_back({settings[0].at, path, "a " + name + " belongs to one service"});
      continue;
    }
    for (const Setting& setting : settings) {
      if (const auto wrong = check_setting(name, setting.value, said_by(layer)))
        findings.push_back({setting.at, path, *wrong});
      else if (const auto later = not_carried(name, setting.value))
        findings.push_back({setting.at, path, later->what, weight_of(*later)});
      review_networks(name, setting.value, setting.at, path, findings);
      if (name == "route") review_route_options(setting, path, findings);
    }
  }
  return findings;
}

Verdict judge_setting(std::string_view name, std::string_view value, Trust who) {
  const ServiceKey* key = find_service_key(name);
  if (const auto wrong = check_setting(name, value, who)) {
    const bool refuse = key != nullptr && key->restricting;
    return {refuse ? Use::refuse : Use::ignore, std::string(name) + ": " + *wrong};
  }
  const std::optional<NotCarried> later = not_carried(name, value);
  if (!later) return {};
  return {later->refused ? Use::refuse : Use::ignore, std::string(name) + ": " + later->what};
}

}  // namespace gatehouse::conf
