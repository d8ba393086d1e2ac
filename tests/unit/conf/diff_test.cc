#include "conf/diff.h"

#include <gtest/gtest.h>

#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

using Texts = std::vector<std::string>;

Texts lines(const ConfigDiff& diff) {
  Texts out;
  for (const Difference& line : diff.lines) out.push_back(line.text());
  return out;
}

ConfigDiff between(std::string_view before, std::string_view after) {
  return diff_config(read_text(before).config, read_text(after).config);
}

TEST(Diff, OfEqualConfigsIsEmptyHoweverTheyAreWritten) {
  const ConfigDiff diff = between(
      "limits: { header_time: 60s, memory: 1024MiB }\nlisten: [ { name: a, address: ':80' }, { name: b, address: "
      "':81' } ]",
      "# moved\nlisten:\n  - { name: b, address: '[::]:81' }\n  - { address: ':80', name: a }\nlimits:\n  memory: "
      "1GiB\n"
      "  header_time: 1m");
  EXPECT_EQ(lines(diff), Texts{});
  EXPECT_EQ(diff.sections, std::set<std::string>{});
}

TEST(Diff, NamesEachKeyThatChanged) {
  const ConfigDiff diff = between(R"(
limits: { header_time: 10s }
listen: [ { name: http, address: ":80" }, { name: old, address: ":81" } ]
trusted_proxies: 10.0.0.0/8
hosts: { a.example: { hsts: 180d }, b.example: { http: serve } }
services: { off: { route: off.example } }
)",
                                  R"(
limits: { header_time: 5s }
listen: [ { name: http, address: ":8080" }, { name: new, address: ":82" } ]
trusted_proxies: [10.0.0.0/8, 192.0.2.1]
hosts: { a.example: { hsts: 90d, http: serve } }
services: { off: { route: [off.example, on.example], timeout: 5s } }
)");
  EXPECT_EQ(lines(diff), (Texts{
                             "listen[http].address: \"[::]:80\" -> \"[::]:8080\"",
                             "listen[old]: removed, was { name: old, address: \"[::]:81\", tls: false, http2: true, "
                             "proxy_protocol: [], only: [] }",
                             "listen[new]: added: { name: new, address: \"[::]:82\", tls: false, http2: true, "
                             "proxy_protocol: [], only: [] }",
                             "trusted_proxies: [10.0.0.0/8] -> [10.0.0.0/8, 192.0.2.1/32]",
                             "hosts.a.example.hsts: 180d -> 90d",
                             "hosts.a.example.http: added: serve",
                             "hosts.b.example: removed, was { http: serve }",
                             "services.off.route: off.example -> [off.example, on.example]",
                             "services.off.timeout: added: 5s",
                             "limits.header_time: 10s -> 5s",
                         }));
  EXPECT_EQ(diff.sections, (std::set<std::string>{"hosts", "limits", "listen", "services", "trusted_proxies"}));
  for (const Difference& line : diff.lines) EXPECT_FALSE(line.at_start) << line.text();
}

TEST(Diff, KnowsWhatTakesARestart) {
  const ConfigDiff diff = between("", "workers: 2\nnode: { user: door, zone: a }\nadmin: { socket: /run/x.sock }");
  Texts at_start;
  for (const Difference& line : diff.lines)
    if (line.at_start) at_start.push_back(line.path);
  EXPECT_EQ(at_start, (Texts{"node.user", "workers", "admin.socket"}));
  EXPECT_EQ(diff.lines.size(), 4u);
}

TEST(Diff, AKeyThatComesOrGoesTakesARestartIfItsChangeDoes) {
  KeyRow row;
  row.name = "chroot";
  row.at_start = true;
  const Yaml without = Yaml::mapping();
  Yaml with = without;
  with.add("chroot", Yaml::scalar("/srv"));
  for (const ConfigDiff& diff : {diff_nodes(without, with, {row}), diff_nodes(with, without, {row})}) {
    ASSERT_EQ(diff.lines.size(), 1u);
    EXPECT_TRUE(diff.lines[0].at_start) << diff.lines[0].text();
  }
}

}  // namespace
}  // namespace gatehouse::conf
