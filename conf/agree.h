// agree.h: one definition of a service out of the many that its instances carry. Pure.
//   Each key: the last instance among the passing ones that says it (the catalog's order) wins, all stay in the pool,
//   and the difference is told. A key that an instance does not say is no vote for its default.
//   Keys that restrict never weaken by disagreement: instances that differ in them from the ones that held before
//   (else from the most) are kept out of the pool.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"
#include "conf/service_layer.h"

namespace gatehouse::conf {

struct InstanceLayers {
  Instance instance;
  std::vector<ServiceLayer> layers;  // in the order of precedence: native, then the foreign spellings
};

struct Agreement {
  std::vector<ServiceLayer> layers;     // one per spelling, in the order of precedence
  std::vector<InstanceLayers> members;  // those not kept out
  Findings findings;
};

// yaml: what gatehouse.yaml says of the service; keys said there are not the instances' to differ in. May be null.
// datacenter: the node's. Only instances of it have a word, where it has any; else those of the first one's.
Agreement agree(const std::string& service, std::vector<InstanceLayers> instances, const ServiceLayer* yaml,
                const Service* previous, const std::string& datacenter);

// Whether an instance counts as passing before any check has run: a ttl check keeps the state it was given.
bool counts_as_passing(const Instance& instance);

}  // namespace gatehouse::conf
