// service_file.h: one file of Consul service definitions, in JSON. Pure.
//   Accepted and refused as `consul validate` does (Consul 1.12), but: script and docker checks are refused, names of
//   the API and keys of newer Consuls are accepted with a warning, text that is not UTF-8 is refused.
//   What is accepted but can never work (a check whose URL can't be read, a file without content) is an error too.
//   What is accepted but can't be served (a service without a name, of a mesh, on a socket) is left out with a
//   warning. Limits: 16 MiB, nesting 32. HCL is refused: no kept-up parser of it exists for C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/catalog/check_definition.h"
#include "conf/finding.h"
#include "conf/service.h"

namespace gatehouse::catalog {

constexpr std::size_t file_bytes_max = 16 << 20, nesting_max = 32;
constexpr std::size_t meta_pairs_max = 64, meta_value_max = 512;

// Where the definitions of files belong to.
struct Home {
  std::string datacenter = "dc1", node;
  std::string address = "127.0.0.1";  // of services that say none
  bool operator==(const Home&) const = default;
};

// As healthy as another service of the node, or as the node itself.
struct AliasCheck {
  std::string id, name, service, node;
};

struct ServiceDefinition {
  conf::Instance instance;  // with the checks that are its own
  std::vector<AliasCheck> aliases;
};

// A check outside a service: of the one it names, or of the node and so of all its services.
struct LooseCheck {
  CheckDefinition check;
  conf::Position at;
};

struct ServiceFile {
  bool accepted = false;
  bool doubtful = false;  // accepted, but a part of it can never work: what was good before is better
  std::vector<ServiceDefinition> services;
  std::vector<LooseCheck> checks;
  conf::Findings findings;
  std::size_t walks = 0;  // through the text, to tell places: a few, and one a finding, whatever the file holds
};

ServiceFile parse_service_file(std::string_view text, const std::string& file, const Home& home,
                               std::size_t bytes_max = file_bytes_max);

// Whether a definition may say it.
bool is_meta_pair(std::string_view key, std::string_view value);
bool is_nameable(const std::string& text);  // a service, or an instance's id

// The finding about a file in HCL.
conf::Finding hcl_refused(const std::string& file);

}  // namespace gatehouse::catalog
