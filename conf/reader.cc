#include "conf/reader.h"

#include <algorithm>
#include <tuple>

#include "conf/config_keys.h"
#include "conf/review.h"

namespace gatehouse::conf {

ReadConfig read_config_text(std::string_view text, const std::string& file, const Surroundings& around) {
  ReadConfig out{.config = default_config(around)};
  out.config.file = file;
  ParsedYaml yaml = parse_yaml(text, file);
  if (!yaml.findings.empty()) {
    out.findings = std::move(yaml.findings);
    return out;
  }
  Reading reading(file, around);
  config_form().read(yaml.root, out.config, reading);
  out.findings = std::move(reading.findings);
  for (const auto& [name, layer] : out.config.services) {
    const Findings judged = review_layer(layer, name);
    out.findings.insert(out.findings.end(), judged.begin(), judged.end());
  }
  out.positions = std::move(reading.positions);
  std::stable_sort(out.findings.begin(), out.findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  return out;
}

}  // namespace gatehouse::conf
