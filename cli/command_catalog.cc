#include <algorithm>
#include <iostream>

#include "cli/catalog_input.h"
#include "cli/commands.h"
#include "cli/text.h"
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

}  // namespace

int run_lint(const Where& where, const std::string& folder) {
  conf::ReadConfig read;
  read.config.listen = usual_listeners();
  if (!where.config.empty()) {
    read = conf::read_config(where.config, conf::surroundings_of_process(where.config));
    print(read.findings);
    if (conf::has_error(read.findings)) return 1;
  }
  const std::string& from = folder.empty() ? read.config.catalog.files : folder;
  const catalog::SourceState state =
      catalog::FileSource(home_of(read.config)).update(catalog::read_folder(from, from));
  print(state.findings);
  const std::vector<catalog::LintLine> lines = catalog::lint(state.instances, read.config.listen);
  std::cout << catalog::lint_text(lines);
  if (!where.config.empty()) tell_of_spellings_off(lines, read.config.catalog);
  const bool all_mapped = std::none_of(lines.begin(), lines.end(), [](const catalog::LintLine& line) {
    return line.verdict.fit == catalog::Fit::unmapped;
  });
  return all_mapped && !conf::has_error(state.findings) ? 0 : 1;
}

}  // namespace gatehouse::cli
