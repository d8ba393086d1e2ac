// A catalog file of any bytes: refused with a place, or accepted, with errors only if it is doubtful; and what it
// defines can be assembled, translated with any tags it holds, and translated again to the same services.
#include <cstdint>
#include <string>

#include "conf/catalog/assemble.h"
#include "conf/catalog/service_file.h"
#include "conf/catalog/translate.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;

namespace {

void require_printable(const conf::Findings& findings) {
  for (const conf::Finding& finding : findings)
    for (const char c : finding.text()) REQUIRE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

void translate_twice(const std::vector<conf::Instance>& instances) {
  const conf::Config config;
  catalog::TranslateInput input{.instances = instances, .config = config};
  input.read_file = [](const std::string&) -> Result<std::string> { return invalid("no files here"); };
  const conf::RoutingTable first = catalog::translate(input);
  input.previous = &first;
  const conf::RoutingTable second = catalog::translate(input);
  REQUIRE(first.services.size() == second.services.size());
  require_printable(second.findings);
  for (const auto& service : first.services) {
    REQUIRE(!service->routes.empty());
    for (const conf::Route& route : service->routes)
      REQUIRE(route.match.path.starts_with('/') && route.policy.pages.empty());
    for (const conf::Instance& instance : service->instances) REQUIRE(instance.port != 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const catalog::Home home{.datacenter = "dc1", .node = "fd1"};
  const catalog::ServiceFile file = catalog::parse_service_file(text, "x.json", home);
  REQUIRE((file.accepted && !file.doubtful) == !conf::has_error(file.findings));
  REQUIRE(file.accepted || (file.services.empty() && file.findings[0].at.line > 0));
  require_printable(file.findings);
  for (const catalog::ServiceDefinition& service : file.services)
    for (const conf::HealthCheck& check : service.instance.checks)
      REQUIRE(check.interval >= Millis(1000) && check.timeout >= Millis(1) && check.rise > 0 && check.fall > 0);
  const catalog::ServiceFile* files[] = {&file};
  translate_twice(catalog::assemble(files, home).instances);
  return 0;
}
