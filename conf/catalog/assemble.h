// assemble.h: the definitions of a node's files to its instances. Pure.
//   Ids are unique on a node: of two definitions the later one stands, as in Consul, and the clash is told. Checks
//   outside services go to the service they name, else to all of the node. An alias becomes the checks of what it
//   points at, so that it is run and judged like those.
#pragma once

#include <span>
#include <vector>

#include "conf/catalog/service_file.h"

namespace gatehouse::catalog {

struct NodeInstances {
  std::vector<conf::Instance> instances;  // in the order of the files, and within them
  conf::Findings findings;
};

NodeInstances assemble(std::span<const ServiceFile* const> files, const Home& home);

}  // namespace gatehouse::catalog
