#include <algorithm>
#include <iostream>
#include <optional>
#include <span>

#include "cli/catalog_input.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "conf/catalog/consul_reading_io.h"
#include "conf/catalog/file_source.h"
#include "conf/catalog/file_source_io.h"
#include "conf/catalog/lint.h"
#include "conf/reader_io.h"

namespace gatehouse::cli {
namespace {

void print(const conf::Findings& findings) {
  for (const conf::Finding& finding : findings) std::cerr << printable(finding.text()) << "\n";
}

// Without a gatehouse.yaml: what entry points of Traefik's tags are usually found at.
std::vector<conf::Listen> usual_listeners() {
  return {{.name = "http", .address = {IpAddress(), 80}},
          {.name = "https", .address = {IpAddress(), 443}, .tls = true}};
}

void tell_of_spellings_off(std::span<const catalog::LintLine> lines, const conf::CatalogSource& source) {
  for (const char* spelling : {"native", "fabio", "traefik"}) {
    const bool on = std::find(source.spellings.begin(), source.spellings.end(), spelling) != source.spellings.end();
    const bool used =
        std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.spelling == spelling; });
    if (used && !on) std::cout << "tags in " << spelling << "'s spelling are not read: add it to catalog.spellings\n";
  }
}

// nullopt: a Consul could not be read, which was told.
std::optional<catalog::SourceState> read_all(const std::string& folder, std::span<const conf::ConsulServer> consuls,
                                             const catalog::Home& home) {
  catalog::SourceState all;
  if (!folder.empty()) all = catalog::FileSource(home).update(catalog::read_folder(folder, folder));
  for (const conf::ConsulServer& server : consuls) {
    const Result<std::vector<conf::Instance>> found = catalog::read_consul(server);
    if (!found) {
      std::cerr << printable(server.address.text() + ": " + found.error().what) << "\n";
      return std::nullopt;
    }
    all.instances.insert(all.instances.end(), found->begin(), found->end());
  }
  return all;
}

}  // namespace

int run_lint(const Where& where, const LintOptions& options) {
  conf::ReadConfig read;
  read.config.listen = usual_listeners();
  if (!where.config.empty()) {
    read = conf::read_config(where.config, conf::surroundings_of_process(where.config));
    print(read.findings);
    if (conf::has_error(read.findings)) return 1;
  }
  std::string folder = options.folder;
  std::vector<conf::ConsulServer> consuls;
  if (!options.consul.empty()) {
    using conf::ConsulServer;
    const auto place = HttpPlace::parse(options.consul, ConsulServer::usual_port, ConsulServer::usual_tls_port);
    if (!place) {
      std::cerr << "--consul: " << printable(place.error().what) << "\n";
      return 2;
    }
    consuls.push_back({.address = *place, .tls = {.ca = options.ca}, .token = {.file = options.token_file}});
  } else if (folder.empty()) {
    folder = services_folder(read.config, read.positions);
    consuls = read.config.catalog.consul;
  }
  const std::optional<catalog::SourceState> state = read_all(folder, consuls, home_of(read.config));
  if (!state) return 1;
  print(state->findings);
  const std::vector<catalog::LintLine> lines =
      catalog::lint(state->instances, read.config.listen, where.config.empty() ? nullptr : &read.config.catalog);
  std::cout << catalog::lint_text(lines);
  if (!where.config.empty()) tell_of_spellings_off(lines, read.config.catalog);
  const bool all_mapped = std::none_of(lines.begin(), lines.end(), [](const catalog::LintLine& line) {
    return line.verdict.fit == catalog::Fit::unmapped;
  });
  return all_mapped && !conf::has_error(state->findings) ? 0 : 1;
}

}  // namespace gatehouse::cli
