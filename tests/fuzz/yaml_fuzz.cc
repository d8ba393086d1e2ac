// Any bytes as gatehouse.yaml: no crash, no exception, bounded time; and what reads without error is the same after
// it was written out and read again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "conf/check.h"
#include "conf/diff.h"
#include "conf/dump.h"

using namespace gatehouse::conf;

namespace {

const Surroundings around{.folder = "/etc/gatehouse", .host_name = "fuzz"};

[[noreturn]] void broken(const char* rule, const std::string& text, const Findings& findings) {
  std::fprintf(stderr, "%s:\n%s\n", rule, text.c_str());
  for (const Finding& finding : findings) std::fprintf(stderr, "%s\n", finding.text().c_str());
  std::abort();
}

void expect_same(const Config& config, Dump what) {
  const std::string text = dump_config(config, what, around);
  const ReadConfig again = read_config_text(text, config.file, around);
  if (has_error(again.findings)) broken("the dump does not read", text, again.findings);
  if (!(again.config == config)) broken("the dump reads to something else", text, again.findings);
  if (!diff_config(config, again.config).lines.empty()) broken("a difference between equals", text, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ReadConfig read = read_config_text(text, "gatehouse.yaml", around);
  for (const Finding& finding : read.findings)
    if (finding.text().empty()) std::abort();
  if (has_error(read.findings)) return 0;
  check_config(read);
  expect_same(read.config, Dump::differing);
  expect_same(read.config, Dump::everything);
  return 0;
}
