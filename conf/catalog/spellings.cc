#include "conf/catalog/spellings.h"

#include <algorithm>
#include <set>

#include "conf/catalog/fabio_tags.h"
#include "conf/catalog/fabio_weights.h"
#include "conf/catalog/tags.h"
#include "conf/catalog/traefik_tags.h"
#include "conf/catalog/traefik_tree.h"

namespace gatehouse::catalog {
namespace {

void add(SpelledInstance& to, ForeignTags tags) {
  if (tags.port) to.layers.instance.port = *tags.port;
  to.layers.layers.push_back(std::move(tags.layer));
  std::move(tags.verdicts.begin(), tags.verdicts.end(), std::back_inserter(to.verdicts));
}

bool says_where(const conf::ServiceLayer& layer) {
  return layer.settings.contains("route") || layer.settings.contains("tcp");
}

void mark_silent(std::vector<SpelledInstance>& instances, const conf::Config& config) {
  std::set<std::string_view> services;  // that foreign tags give routes to
  for (const SpelledInstance& spelled : instances)
    for (const conf::ServiceLayer& layer : spelled.layers.layers)
      if (layer.spelling != "native" && says_where(layer)) services.insert(spelled.layers.instance.service);
  for (SpelledInstance& spelled : instances) {
    const auto yaml = config.services.find(spelled.layers.instance.service);
    const bool by_file = yaml != config.services.end() && says_where(yaml->second);
    spelled.is_silent = !by_file && services.contains(spelled.layers.instance.service) &&
                        std::none_of(spelled.layers.layers.begin(), spelled.layers.layers.end(), says_where);
  }
}

}  // namespace

std::string_view spelling_of(std::string_view tag) {
  if (tag.starts_with("gatehouse.")) return "native";
  if (parse_fabio_tag(tag)) return "fabio";
  return lower_case(tag.substr(0, 8)) == "traefik." ? "traefik" : "";
}

bool is_on(const conf::Config& config, std::string_view spelling) {
  const std::vector<std::string>& on = config.catalog.spellings;
  return std::find(on.begin(), on.end(), spelling) != on.end();
}

std::vector<SpelledInstance> spell(std::span<const conf::Instance> instances, const conf::Config& config) {
  const bool native = is_on(config, "native"), fabio = is_on(config, "fabio"), traefik = is_on(config, "traefik");
  const SpellingContext context{config.listen};
  std::map<std::size_t, unsigned> weights;
  if (fabio) weights = fabio_weights(instances);
  std::vector<SpelledInstance> out;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    SpelledInstance& spelled = out.emplace_back();
    spelled.layers.instance = instances[i];
    if (native) spelled.layers.layers.push_back(native_layer(instances[i]));
    if (fabio) {
      ForeignTags tags = fabio_tags(instances[i], context);
      if (const auto weight = weights.find(i); weight != weights.end())
        tags.layer.settings["weight"] = {{std::to_string(weight->second), instances[i].at}};
      add(spelled, std::move(tags));
    }
    if (traefik) add(spelled, traefik_tags(instances[i], context));
  }
  mark_silent(out, config);
  return out;
}

conf::Findings foreign_findings(std::span<const SpelledInstance> instances) {
  conf::Findings findings;
  std::set<std::pair<std::string_view, std::string>> told;  // service and text
  for (const SpelledInstance& spelled : instances) {
    const conf::Instance& instance = spelled.layers.instance;
    for (const TagVerdict& verdict : spelled.verdicts)
      if (verdict.told && told.emplace(instance.service, verdict.tag + verdict.why).second)
        findings.push_back({instance.at, instance.service + ": " + verdict.tag, verdict.why, *verdict.told});
  }
  return findings;
}

}  // namespace gatehouse::catalog
