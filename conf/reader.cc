#include "conf/reader.h"

#include <algorithm>
#include <tuple>

#include "conf/config_keys.h"
#include "conf/review.h"

namespace gatehouse::conf {

namespace {

// The lines of one top-level section, so that it can be read where the rest of the file can't.
std::string_view section_of(std::string_view text, std::string_view name) {
  std::size_t from = std::string_view::npos;
  for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size() - 1) + 1) {
    const std::string_view rest = text.substr(at);
    const bool key = rest.front() != ' ' && rest.front() != '#' && rest.front() != '\n' && rest.front() != '\r';
    if (from != std::string_view::npos && key) return text.substr(from, at - from);
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with(':')) from = at;
  }
  return from == std::string_view::npos ? "" : text.substr(from);
}

KeyOrigin origin_of(const std::string& path, const std::map<std::string, Position>& positions) {
  const auto known = positions.find(path);
  return known == positions.end() ? KeyOrigin{} : KeyOrigin{{known->second}, path};
}

}  // namespace

std::string admin_socket_in(std::string_view text, const Surroundings& around) {
  ParsedYaml yaml = parse_yaml(text, "");
  if (!yaml.findings.empty()) yaml = parse_yaml(section_of(text, "admin"), "");
  Config config = default_config(around);
  Reading reading("", around);
  config_form().read(yaml.root, config, reading);
  return config.admin.socket;
}

ReadConfig read_config_text(std::string_view text, const std::string& file, const Surroundings& around) {
  ReadConfig out{.config = default_config(around)};
  out.config.file = file;
  out.text = text;
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
  // A host that only carries tunnels serves nobody else unasked.
  if (!out.config.tunnel.empty() && !out.positions.contains("listen")) {
    out.config.listen.clear();
    if (!out.positions.contains("catalog")) out.config.catalog.files.clear();
  }
  for (auto& [name, host] : out.config.hosts) {
    host.allow_at = origin_of("hosts." + name + ".allow", out.positions);
    host.deny_at = origin_of("hosts." + name + ".deny", out.positions);
  }
  std::stable_sort(out.findings.begin(), out.findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  return out;
}

}  // namespace gatehouse::conf
