#include "conf/catalog/lint.h"

#include <gtest/gtest.h>

#include "conf/catalog/file_source.h"
#include "conf/catalog/file_source_io.h"
#include "tests/unit/conf/catalog/foreign.h"

namespace gatehouse::catalog {
namespace {

conf::Instance of(const std::string& service, const std::string& id, const Texts& tags) {
  conf::Instance out = instance_with(tags);
  out.service = service, out.id = id;
  return out;
}

std::string text_of(const std::vector<conf::Instance>& instances) {
  const std::vector<conf::Listen> listen{
      {.name = "https", .address = *SocketAddress::parse("[::]:443"), .tls = true}};
  return lint_text(lint(instances, listen));
}

TEST(Lint, TellsOfEachTagWhateverIsTurnedOn) {
  EXPECT_EQ(
      text_of({of("web", "w-1", {"primary", "gatehouse.route=a.example", "urlprefix-b.example/x strip=/x"}),
               of("web", "w-2", {"gatehouse.route=a.example", "urlprefix-b.example/x strip=/x"}),
               of("api", "a-1", {"traefik.http.routers.r.rule=Host(`c.example`)", "gatehouse.rout=d.example"})}),
      R"(web
  exact        gatehouse.route=a.example  (2 instances)
  approximate  urlprefix-b.example/x strip=/x  (2 instances)
               gatehouse.route=b.example/x strip=/x
               a path ends at a segment: fabio would take /xx too

api
  not mapped   gatehouse.rout=d.example
               unknown key; did you mean route?
  exact        traefik.http.routers.r.rule=Host(`c.example`)
               gatehouse.route=c.example/

2 exact, 1 approximate, 1 not mapped
)");
}

TEST(Lint, WhatIsNotCarriedIsNotMapped) {
  EXPECT_EQ(text_of({of("web", "w-1", {"gatehouse.tunnel=offer", "gatehouse.route=a.example rate_limit=search"})}),
            R"(web
  not mapped   gatehouse.tunnel=offer
               tunnel: not carried yet: ignored
  exact        gatehouse.route=a.example rate_limit=search

1 exact, 0 approximate, 1 not mapped
)");
}

TEST(Lint, WhatPermitKeepsOutIsNotMapped) {
  const std::vector<conf::Listen> listen{
      {.name = "https", .address = *SocketAddress::parse("[::]:443"), .tls = true}};
  const std::vector<conf::Instance> instances{
      of("web", "w-1",
         {"gatehouse.route=web.shop.example", "gatehouse.route=web.bank.example", "urlprefix-web.bank.example/",
          "gatehouse.tcp=127.0.0.1:5432", "gatehouse.tcp=127.0.0.1:6000", "gatehouse.tcp=[::]:443 sni=a.shop.example",
          "gatehouse.tcp=[::]:443 sni=a.bank.example"})};
  conf::CatalogSource permit;
  permit.permit_hosts = {"**.shop.example"};
  permit.permit_listen = {"127.0.0.1:5000-5999"};
  std::string unmapped;
  for (const LintLine& line : lint(instances, listen, &permit))
    if (line.verdict.fit == Fit::unmapped) unmapped += line.verdict.tag + ": " + line.verdict.why + "\n";
  EXPECT_EQ(unmapped,
            R"(gatehouse.route=web.bank.example: web.bank.example/: catalog.permit.hosts does not let tags claim this
gatehouse.tcp=127.0.0.1:6000: 127.0.0.1:6000: catalog.permit.listen does not let tags open this
gatehouse.tcp=[::]:443 sni=a.bank.example: [::]:443 sni=a.bank.example: catalog.permit.hosts does not let tags claim this name
urlprefix-web.bank.example/: web.bank.example/: catalog.permit.hosts does not let tags claim this
)");
  for (const LintLine& line : lint(instances, listen)) EXPECT_NE(line.verdict.fit, Fit::unmapped);
}

TEST(Lint, WhatOnlyTheFileMaySayIsNotMapped) {
  EXPECT_NE(text_of({of("web", "w-1", {"gatehouse.tls_verify=false"})}).find("only gatehouse.yaml may say this"),
            std::string::npos);
}

TEST(Lint, ItIsPrintable) {
  const std::string text = text_of({of("w\x1b", "w-1", {"gatehouse.a\nb=1", "urlprefix-\x07/", "traefik.\x7f"})});
  for (const char c : text) EXPECT_TRUE(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
}

TEST(Lint, TheExampleIsMappedWhole) {
  const std::string folder = std::string(GATEHOUSE_SOURCE) + "/conf/examples/spellings/services";
  const SourceState state = FileSource({.node = "fd1"}).update(read_folder(folder, folder));
  EXPECT_TRUE(state.findings.empty());
  const std::string text = text_of(state.instances);
  EXPECT_NE(text.find("exact        urlprefix-shop.example/\n"), std::string::npos) << text;
  EXPECT_NE(text.find(", 0 not mapped\n"), std::string::npos) << text;
}

TEST(Lint, WithoutTagsThereIsNothingButTheSum) {
  EXPECT_EQ(text_of({of("web", "w-1", {"primary"})}), "0 exact, 0 approximate, 0 not mapped\n");
}

}  // namespace
}  // namespace gatehouse::catalog
