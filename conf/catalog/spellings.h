// spellings.h: an instance's tags as layers of settings, one for each spelling that catalog.spellings turns on. Pure.
//   The order is always native, fabio, traefik, which is the order of precedence; tags of other spellings are passed
//   over in silence.
#pragma once

#include <span>
#include <vector>

#include "conf/agree.h"
#include "conf/catalog/foreign.h"
#include "conf/config.h"

namespace gatehouse::catalog {

struct SpelledInstance {
  conf::InstanceLayers layers;
  std::vector<TagVerdict> verdicts;  // of foreign tags
  // Asks for no route where others of its service do by foreign tags: fabio and Traefik leave such an instance out.
  bool is_silent = false;
};

// In the order of the instances.
std::vector<SpelledInstance> spell(std::span<const conf::Instance> instances, const conf::Config& config);

// Whose tag it is: "native", "fabio", "traefik"; empty: nobody's.
std::string_view spelling_of(std::string_view tag);
bool is_on(const conf::Config& config, std::string_view spelling);

// What is to be told of foreign tags; a tag that all instances of a service carry is told once.
conf::Findings foreign_findings(std::span<const SpelledInstance> instances);

}  // namespace gatehouse::catalog
