// reading_text.h: reads a YAML text as gatehouse.yaml in made-up surroundings, for tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/config_keys.h"
#include "conf/reader.h"

namespace gatehouse::conf {

inline Surroundings test_surroundings() {
  return {
      .folder = "/srv/door", .host_name = "fd1", .low_ports = true, .state_directory = "", .runtime_directory = ""};
}

inline Config defaults() {
  Config config = default_config(test_surroundings());
  config.file = "gatehouse.yaml";
  return config;
}

inline ReadConfig read_text(std::string_view text) {
  return read_config_text(text, "gatehouse.yaml", test_surroundings());
}

inline std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) out.push_back(finding.text());
  return out;
}

}  // namespace gatehouse::conf
