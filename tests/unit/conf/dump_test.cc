#include "conf/dump.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

void expect_round_trip(const Config& config, const std::string& about) {
  for (const Dump what : {Dump::differing, Dump::everything}) {
    const std::string text = dump_config(config, what, test_surroundings());
    const ReadConfig again = read_text(text);
    EXPECT_EQ(texts(again.findings), std::vector<std::string>{}) << about << text;
    EXPECT_EQ(again.config, config) << about << text;
  }
}

TEST(Dump, OfTheDefaultsIsEmptyAndOfEverythingNamesEveryKey) {
  EXPECT_EQ(dump_config(defaults(), Dump::differing, test_surroundings()), "");
  const std::string text = dump_config(defaults(), Dump::everything, test_surroundings());
  for (const char* line :
       {"node:\n  name: fd1\n", "workers: auto\n",
        "listen:\n  - name: http\n    address: \"[::]:80\"\n    tls: false\n", "  header_time: 10s\n",
        "  body_rate: 1KiB/s\n", "  connections: auto\n", "    to: stdout\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
  expect_round_trip(defaults(), "the defaults");
}

TEST(Dump, ShowsWhatDiffersAlone) {
  const Config config = read_text(R"(
workers: 4
limits: { header_time: 5000ms, memory: 512MiB }
listen: [ { name: https, address: ":443", tls: true, only: [] } ]
services: { a: { route: [x.example], health: { value: /up, interval: 5s } } }
)")
                            .config;
  EXPECT_EQ(dump_config(config, Dump::differing, test_surroundings()),
            "workers: 4\n"
            "listen:\n"
            "  - name: https\n"
            "    address: \"[::]:443\"\n"
            "    tls: true\n"
            "services:\n"
            "  a:\n"
            "    health: \"/up interval=5s\"\n"
            "    route: x.example\n"
            "limits:\n"
            "  header_time: 5s\n");
}

// Configs drawn from dice: each key is given or not, each value is one that its form takes.
class Draw {
 public:
  explicit Draw(unsigned seed) : dice_(seed) {}

  std::string file() {
    std::string out;
    maybe(out, "node: { name: n1, zone: " + pick({"a", "''"}) + ", user: " + pick({"u", "''"}) +
                   ", state: " + pick({"/s", "rel/ative"}) + " }\n");
    maybe(out, "workers: " + pick({"auto", "3"}) + "\n");
    maybe(out,
          "listen: [ { name: a, address: '[::1]:80' }, { name: b, address: ':443', tls: " + pick({"true", "false"}) +
              ", only: " + pick({"[]", "x", "[x, 'y~z']"}) + ", proxy_protocol: " + networks() + " } ]\n");
    maybe(out, "trusted_proxies: " + networks() + "\n");
    maybe(out, "catalog: { files: " + pick({"none", "here", "/there"}) +
                   ", permit: { hosts: " + pick({"[]", "'**.x.example'", "[a.example, '*.b.example']"}) +
                   ", listen: " + pick({"[]", "'[::1]:1-2'"}) + " } }\n");
    maybe(out, "hosts: { a.example: {}, '*.b.example': { certificate: file:x, allow: " + some_networks() +
                   ", deny: " + some_networks() + ", hsts: " + pick({"0", "180d", "90s"}) +
                   ", http: " + pick({"redirect", "serve"}) + " } }\n");
    maybe(out,
          "services: { '*': { timeout: 5m, pages: ['5xx:\"a b.html\"', '503:c.html retry_after=5s'] }, s: {}, "
          "t: { route: " +
              pick({"'*.x.example'", "[x.example, 'x.example/a max_body=1GiB']"}) +
              ", health: " + pick({"/up", "{ value: /up, body: \"it's \\\\ so\" }"}) + " } }\n");
    maybe(out, "certificates: { files: " + pick({"none", "c/"}) + " }\n");
    maybe(out, "admin: { socket: " + pick({"s.sock", "/run/s.sock"}) + ", group: g }\n");
    maybe(out, "metrics: { address: '127.0.0.1:1', allow: " + networks() + ", hosts: [m.example] }\n");
    maybe(out, "limits: { memory: " + pick({"64MiB", "1TiB", "100000001"}) +
                   ", connections: " + pick({"auto", "16"}) + ", body_rate: " + pick({"off", "1MB/s"}) +
                   ", header_time: " + pick({"1h", "1500ms", "59s"}) + ", shutdown_time: " + pick({"0", "1d"}) +
                   " }\n");
    maybe(out, "logs: { access: { to: " + pick({"off", "a.log", "./a", "stdout"}) + ", redact: " +
                   pick({"[]", "[path, query]"}) + " }, events: { level: " + pick({"debug", "error"}) + " } }\n");
    return out;
  }

 private:
  void maybe(std::string& out, const std::string& text) {
    if (dice_() % 3 != 0) out += text;
  }
  std::string pick(std::initializer_list<const char*> of) { return *(of.begin() + dice_() % of.size()); }
  std::string networks() { return pick({"[]", "10.0.0.0/8", "['::/0', 192.0.2.1, '2001:db8::/32']"}); }
  std::string some_networks() { return pick({"10.0.0.0/8", "['::/0', 192.0.2.1, '2001:db8::/32']"}); }

  std::mt19937 dice_;
};

TEST(Dump, ReadsToAnEqualConfigWhateverItHolds) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::string text = Draw(seed).file();
    const ReadConfig read = read_text(text);
    ASSERT_EQ(texts(read.findings), std::vector<std::string>{}) << text;
    expect_round_trip(read.config, "seed " + std::to_string(seed) + "\n" + text);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace gatehouse::conf
