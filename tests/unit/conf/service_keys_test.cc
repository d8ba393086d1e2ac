#include "conf/service_keys.h"

#include <set>

#include <gtest/gtest.h>

#include "conf/service_apply.h"
#include "conf/service_values.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

struct Row {
  const char* key;
  std::string value;
  const char* wrong = "";  // "": the value is fine
};

void expect_rows(const std::vector<Row>& rows, Trust who) {
  for (const Row& row : rows)
    EXPECT_EQ(check_setting(row.key, row.value, who).value_or(""), row.wrong) << row.key << "=" << row.value;
}

TEST(ServiceKeys, EveryKeyIsNamedOnceAndCanBeChecked) {
  std::set<std::string_view> names;
  for (const ServiceKey& key : service_keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_EQ(find_service_key(key.name), &key);
    EXPECT_FALSE(key.value_form.empty() || key.fallback.empty() || key.meaning.empty()) << key.name;
    EXPECT_EQ(key.apply == nullptr, key.name == "route") << key.name;
    EXPECT_TRUE(check_setting(key.name, "", Trust::file_only).has_value())
        << key.name << " accepts nothing as a value";
  }
}

TEST(ServiceKeys, TheDefaultTheyNameIsTheOneTheyHave) {
  // Where the default is told in words, or is to say nothing: `health=none` leaves the catalog's checks out, too.
  const std::set<std::string_view> in_words = {
      "allow",        "auth",     "certificate", "cors",         "headers",
      "methods",      "rewrite",  "deny",        "files",        "failover",
      "health",       "host",     "http",        "idle_timeout", "max_connections",
      "max_requests", "pages",    "rate_limit",  "tcp",          "tls_certificate",
      "through",      "tls_name", "tunnel",      "weight"};
  for (const ServiceKey& key : service_keys()) {
    if (key.apply == nullptr || in_words.contains(key.name)) continue;
    Subject said;
    const Status applied = key.apply(said, key.fallback);
    EXPECT_TRUE(applied) << key.name << ": " << key.fallback;
    const Subject usual;
    EXPECT_EQ(said.service, usual.service) << key.name;
    EXPECT_EQ(said.route, usual.route) << key.name;
    EXPECT_EQ(said.instance, usual.instance) << key.name;
  }
}

TEST(ServiceKeys, TheOnesThatRestrict) {
  std::set<std::string_view> restricting;
  for (const ServiceKey& key : service_keys())
    if (key.restricting) restricting.insert(key.name);
  EXPECT_EQ(restricting, (std::set<std::string_view>{"allow", "deny", "auth", "methods", "rate_limit"}));
}

TEST(ServiceKeys, WhatNamesPathsOrOthersOrWeakensVerificationIsForTheFileAlone) {
  std::set<std::string_view> file_only;
  for (const ServiceKey& key : service_keys())
    if (key.trust == Trust::file_only) file_only.insert(key.name);
  EXPECT_EQ(file_only, (std::set<std::string_view>{"pages", "files", "tls_ca", "tls_verify", "tls_name",
                                                   "tls_certificate", "through", "canary", "mirror"}));
  expect_rows({{"canary", "admin 100%", "only gatehouse.yaml may say this"},
               {"mirror", "admin 100%", "only gatehouse.yaml may say this"},
               {"pages", "5xx:sorry.html", "only gatehouse.yaml may say this"},
               {"tls_verify", "false", "only gatehouse.yaml may say this"},
               {"route", "a.example pages=5xx:/etc/passwd", "pages: only gatehouse.yaml may say this"}},
              Trust::tags);
  expect_rows({{"pages", "5xx:sorry.html"}, {"tls_verify", "false"}, {"route", "a.example pages=5xx:sorry.html"}},
              Trust::file_only);
}

TEST(ServiceKeys, AnUnknownKeyIsToldWithTheNearest) {
  expect_rows({{"timout", "5s", "unknown key; did you mean timeout?"},
               {"colour", "blue", "unknown key"},
               {"Timeout", "5s", "unknown key; did you mean timeout?"}},
              Trust::tags);
}

TEST(ServiceKeys, ControlBytesAndEndlessValuesAreRefused) {
  expect_rows({{"host", "a\r\nX: y", "holds a control character; write it without"},
               {"route", std::string("a.example\0", 10), "holds a control character; write it without"},
               {"rate_limit", "x\x7f", "holds a control character; write it without"},
               {"rate_limit", std::string(setting_bytes_max + 1, 'x'), "longer than 4096 bytes; split it"},
               {"rate_limit", std::string(setting_bytes_max, 'x')}},
              Trust::tags);
}

TEST(ServiceKeys, WordsOfAService) {
  expect_rows({{"protocol", "http"},
               {"protocol", "https"},
               {"protocol", "h2c"},
               {"protocol", "tcp", "tcp: write http, https, h2c or h2"},
               {"balance", "maglev"},
               {"balance", "peak_ewma"},
               {"balance", "fastest",
                "fastest: write round_robin, least_request, least_connection, peak_ewma, random or maglev"},
               {"zone", "prefer"},
               {"zone", "here", "here: write prefer, only or ignore"},
               {"on_unhealthy", "close"},
               {"on_unhealthy", "kill", "kill: write drain or close"},
               {"on_return", "keep"},
               {"on_return", "drain", "drain: write keep or close"},
               {"send_proxy", "v2"},
               {"send_proxy", "2", "2: write none, v1 or v2"},
               {"forwarded", "both"},
               {"forwarded", "yes", "yes: write x, rfc7239, both or none"},
               {"http", "serve"},
               {"http", "allow", "allow: write redirect, serve or refuse"},
               {"single", "true"},
               {"single", "yes", "yes: write true or false"},
               {"hash_on", "client"},
               {"hash_on", "path"},
               {"hash_on", "header:X-User"},
               {"hash_on", "cookie:sid"},
               {"hash_on", "header", "header: write client, path, header:NAME or cookie:NAME"},
               {"hash_on", "header:a b", "header:a b: write client, path, header:NAME or cookie:NAME"},
               {"sticky", "cookie"},
               {"sticky", "cookie:lb"},
               {"sticky", "none"},
               {"sticky", "cookie:", "cookie:: write cookie, cookie:NAME or none"},
               {"sticky", "cookie:a;b", "cookie:a;b: write cookie, cookie:NAME or none"},
               {"host", "web.example"},
               {"host", "web.example:8080"},
               {"host", "[2001:db8::1]:80"},
               {"host", "*.example", "*.example: write one name, without a star"},
               {"host", "web.example:0", "0: write a number from 1 to 65535"},
               {"certificate", "file:bank"},
               {"certificate", "acme"},
               {"certificate", "none"},
               {"certificate", "file:../x", "file:../x: write file:NAME, acme or none"},
               {"certificate", "bank", "bank: write file:NAME, acme or none"}},
              Trust::tags);
}

template <class Enum>
void expect_named(std::string_view key, Enum Service::* member) {
  const std::string_view forms = find_service_key(key)->value_form;
  for (std::size_t at = 0; at < forms.size(); at = forms.find_first_not_of(" |", forms.find(' ', at))) {
    const std::string_view word = forms.substr(at, forms.find(' ', at) - at);
    Subject said;
    ASSERT_TRUE(find_service_key(key)->apply(said, word)) << key << "=" << word;
    EXPECT_EQ(name_of(said.service.*member), word) << key;
  }
}

TEST(ServiceKeys, WhatAWordSaysHasItsName) {
  expect_named("protocol", &Service::protocol);
  expect_named("balance", &Service::balance);
  expect_named("zone", &Service::zone);
  expect_named("on_unhealthy", &Service::on_unhealthy);
  expect_named("on_return", &Service::on_return);
  expect_named("send_proxy", &Service::send_proxy);
  expect_named("forwarded", &Service::forwarded);
}

TEST(ServiceKeys, DurationsNumbersAndSizes) {
  const char* needs_unit = "60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d";
  expect_rows({{"connect_timeout", "2s"},
               {"connect_timeout", "60", needs_unit},
               {"connect_timeout", "off", "off: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"},
               {"connect_timeout", "0", "0: write a duration from 1ms to 10m"},
               {"connect_timeout", "11m", "11m: write a duration from 1ms to 10m"},
               {"timeout", "300s"},
               {"timeout", "off"},
               {"timeout", "0"},
               {"timeout", "25h", "25h: write a duration from 1ms to 1d, or off"},
               {"idle_timeout", "1ms"},
               {"total_timeout", "60", needs_unit},
               {"slow_start", "10s"},
               {"slow_start", "61m", "61m: write a duration from 1ms to 1h, or off"},
               {"drain_time", "60s"},
               {"drain_time", "2d", "2d: write a duration from 0 to 1d, or off"},
               {"hsts", "180d"},
               {"hsts", "off"},
               {"hsts", "5ms", "5ms: write a duration from 1s to 1000d, or off"},
               {"max_body", "2GiB"},
               {"max_body", "none"},
               {"max_body", "2G", "2G: not a size; write it as in 512, 64KiB, 10MB, 2GiB"},
               {"queue", "1024,5s"},
               {"queue", "0,off"},
               {"queue", "1024", "1024: write a number and a duration, as in 1024,5s"},
               {"queue", "1000001,5s", "1000001: write a number from 0 to 1000000"},
               {"queue", "5,11m", "11m: write a duration from 1ms to 10m, or off"},
               {"weight", "1"},
               {"weight", "65535"},
               {"weight", "0", "0: write a number from 1 to 65535"},
               {"weight", "65536", "65536: write a number from 1 to 65535"},
               {"backup", "true"},
               {"backup", "1", "1: write true or false"},
               {"max_connections", "1000000"},
               {"max_connections", "1000001", "1000001: write a number from 0 to 1000000"},
               {"max_requests", "-1", "-1: write a number from 0 to 1000000"}},
              Trust::tags);
}

TEST(ServiceKeys, Health) {
  const char* forms = ": write /path, http:[PORT]/path, https:[PORT]/path, tcp, grpc[:SERVICE] or none";
  expect_rows({{"health", "/status"},
               {"health", "/status?full=1 interval=5s timeout=1s rise=1 fall=100"},
               {"health", "http:/status"},
               {"health", "http:8080/status status=2xx,401 body=ok"},
               {"health", "https:8443/status status=200-399"},
               {"health", "tcp interval=100ms"},
               {"health", "grpc"},
               {"health", "grpc:my.Service"},
               {"health", "redis role=master interval=1s timeout=1s"},
               {"health", "none"},
               {"health", "/up body=\"all fine\""},
               {"health", "udp", (std::string("udp") + forms).c_str()},
               {"health", "status", (std::string("status") + forms).c_str()},
               {"health", "http:8080", "8080: the path is missing, as in http:8080/status"},
               {"health", "http:0/x", "0: write a number from 1 to 65535"},
               {"health", "/x#y", "/x#y: not a request's path"},
               {"health", "/x interval=5", "interval=5: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"},
               {"health", "/x interval=99ms", "interval=99ms: write a duration from 100ms to 1h"},
               {"health", "/x timeout=6m", "timeout=6m: write a duration from 10ms to 5m"},
               {"health", "/x fall=0", "fall=0: write a number from 1 to 100"},
               {"health", "/x rise=101", "rise=101: write a number from 1 to 100"},
               {"health", "/x status=600", "status=600: write statuses as in 200, 2xx, 500-504 or 502,503"},
               {"health", "/x status=300-200", "status=300-200: write statuses as in 200, 2xx, 500-504 or 502,503"},
               {"health", "tcp status=200", "status=200: is not for this kind of check"},
               {"health", "/x role=master", "role=master: is not for this kind of check"},
               {"health", "redis role=slave", "role=slave: write role=master"},
               {"health", "/x intervall=5s", "intervall: unknown option; did you mean interval?"},
               {"health", "/x fast", "fast: write options as NAME=VALUE"},
               {"health", "/x body=\"a", "a quote is not closed"},
               {"health", "none interval=5s", "none takes no options"},
               {"health", "", "is empty"}},
              Trust::tags);
}

TEST(ServiceKeys, RetryEjectFailoverPages) {
  expect_rows(
      {{"retry", "1 on=connect,stale methods=GET,HEAD budget=20%"},
       {"retry", "0"},
       {"retry", "3 on=timeout,5xx,502-504"},
       {"retry", "11", "11: write a number from 0 to 10"},
       {"retry", "on=connect", "on=connect: write a number from 0 to 10"},
       {"retry", "1 on=always", "on=always: write connect, stale, timeout or a status as in 503 or 5xx"},
       {"retry", "1 on=200", "on=200: write connect, stale, timeout or a status as in 503 or 5xx"},
       {"retry", "1 methods=GET,", "methods=GET,: write methods as in GET,HEAD"},
       {"retry", "1 budget=20", "budget=20: write a percentage, as in 20%"},
       {"retry", "1 budget=101%", "budget=101: write a number from 0 to 100"},
       {"retry", "1 buget=20%", "buget: unknown option; did you mean budget?"},
       {"eject", "errors=5 interval=10s time=30s max=50%"},
       {"eject", "off"},
       {"eject", "errors=0", "errors=0: write a number from 1 to 1000"},
       {"eject", "slow=3"},
       {"eject", "slow=1", "slow=1: write a number from 2 to 100"},
       {"eject", "time=30s",
        "errors= or slow= is missing, as in errors=5 interval=10s time=30s max=50%; or write off"},
       {"eject", "5", "5: write options as NAME=VALUE"},
       {"failover", "dc2 after=30s back_after=5m"},
       {"failover", "dc2 after=1", "after=1: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"},
       {"pages", "5xx:pages/sorry.html retry_after=60s"},
       {"pages", "502,503:down.html"},
       {"pages", "5xx:\"pages/we are sorry.html\""},
       {"pages", "sorry.html", "sorry.html: write STATUS:FILE, as in 5xx:pages/sorry.html"},
       {"pages", "5xx:", "5xx:: write STATUS:FILE, as in 5xx:pages/sorry.html"},
       {"pages", "200:x.html", "200:x.html: a page is for statuses from 400 to 599"},
       {"pages", "5xx:x.html retry_after=500ms", "retry_after=500ms: write a duration from 1s to 1d"},
       {"websocket", "false"},
       {"websocket", "true idle_timeout=2h"},
       {"websocket", "on", "on: write true or false"},
       {"websocket", "true idle_timeout=8d", "idle_timeout=8d: write a duration from 1s to 1w, or off"},
       {"allow", "10.0.0.0/8,2001:db8::/32,192.0.2.7"},
       {"allow", "10.0.0.0/33", "10.0.0.0/33: not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"},
       {"deny", "10.0.0.0/8,", ": not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"},
       {"tls_ca", "ca.pem"},
       {"tls_ca", "system"},
       {"tls_name", "db.internal"},
       {"tls_name", "db.internal:443", "db.internal:443: write a name, without a port"},
       {"tls_certificate", "file:door"},
       {"tls_certificate", "door.pem", "door.pem: write file:NAME, of letters, digits, dots, - and _"},
       {"auth", "basic:staff"},
       {"auth", "forward:http://127.0.0.1:4181/verify"},
       {"auth", "staff", "staff: write basic:NAME, forward:NAME or forward:URL"},
       {"methods", "GET,HEAD"},
       {"methods", "G(T", "G(T: write methods as in GET,HEAD"},
       {"maintenance", "true allow=10.0.0.0/8 retry_after=10m"},
       {"maintenance", "on", "on: write true or false"},
       {"maintenance", "true allow=x",
        "allow=x: not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"},
       {"canary", "shop 5%"},
       {"canary", "shop 0.25% sticky"},
       {"canary", "shop", "shop: write SERVICE and a share, as in web-next 5% or web-next 5% sticky"},
       {"canary", "shop 101%", "shop 101%: write SERVICE and a share, as in web-next 5% or web-next 5% sticky"},
       {"canary", "shop 5.001%", "shop 5.001%: write SERVICE and a share, as in web-next 5% or web-next 5% sticky"},
       {"mirror", "shop 100%"},
       {"mirror", "shop 1% sticky", "shop 1% sticky: write SERVICE and a share, as in web-next 5%"},
       {"trace", "make"},
       {"tunnel", "offer"},
       {"tunnel", "yes", "yes: write offer"}},
      Trust::file_only);
}

TEST(ServiceKeys, RoutesAndTheirOptions) {
  expect_rows(
      {{"route", "learn.bank.example"},
       {"route", "learn.bank.example/forum strip=/forum"},
       {"route", "*.off.example"},
       {"route", "**.off.example:8080/x"},
       {"route", "/only/a/path"},
       {"route", ":8080"},
       {"route", "[2001:db8::1]:8080/x"},
       {"route", "a.example redirect=301,https://www.a.example$path"},
       {"route", "a.example if.method=GET,HEAD if.header=X-Beta:1 if.header=X-User"},
       {"route", "a.example timeout=5m max_body=2GiB allow=10.0.0.0/8,192.0.2.1 retry=\"2 on=connect\""},
       {"route", "a.example rate_limit=search"},
       {"route", "", "is empty"},
       {"route", "https://a.example/", "https://a.example/: write host/path, without the scheme"},
       {"route", "*", "*: not a host; write a name, *.name (one label) or **.name (one or more)"},
       {"route", "a.*.example", "a.*.example: not a host; write a name, *.name (one label) or **.name (one or more)"},
       {"route", "bücher.example", "bücher.example: write the name in its xn-- form"},
       {"route", "a..example", "a..example: not a host; write a name, *.name (one label) or **.name (one or more)"},
       {"route", "a.example:99999/x", "a.example:99999: the port: write a number from 1 to 65535"},
       {"route", "[2001:db8::1/x", "[2001:db8::1: the bracket of the IPv6 address is not closed"},
       {"route", "[192.0.2.1]/x", "[192.0.2.1]: not an IPv6 address"},
       {"route", "a.example/x?y=1", "/x?y=1: a route matches the path alone; write it without ?…"},
       {"route", "a.example/../x", "/../x: requests are matched with . and .. resolved; write the path without them"},
       {"route", "a.example/%2e%2E/x",
        "/%2e%2E/x: requests are matched with . and .. resolved; write the path without them"},
       {"route", "a.example/%0", "/%0: % is followed by two hexadecimal digits"},
       {"route", "a.example/%00", "/%00: %00 is never in a path"},
       {"route", "a.example/ü", "/ü: write the path's special characters as %XX"},
       {"route", "a.example strip", "strip: write options as NAME=VALUE"},
       {"route", "a.example strip=forum", "strip=forum: a path begins with /"},
       {"route", "a.example strip=/", "strip=/: write a path of at least one segment, as in /forum"},
       {"route", "a.example striip=/x", "striip: unknown option; did you mean strip?"},
       {"route", "a.example balance=maglev", "balance: is not a route's option; say it of the service"},
       {"route", "a.example timeout=60", "timeout=60: a duration needs a unit, as in 500ms, 2s, 5m, 1h, 7d"},
       {"route", "a.example redirect=https://x",
        "redirect=https://x: write CODE,URL with code 301, 302, 303, 307 or 308, as in 301,https://www.example$path"},
       {"route", "a.example redirect=304,https://x",
        "redirect=304,https://x: write CODE,URL with code 301, 302, 303, 307 or 308, as in "
        "301,https://www.example$path"},
       {"route", "a.example redirect=301,javascript:x", "redirect=javascript:x: write https://…, http://… or /path"},
       {"route", "a.example redirect=301,https://x/$user",
        "redirect=https://x/$user: only $scheme, $host, $path and $query are known"},
       {"route", "a.example if.method=G(T", "if.method=G(T: write methods as in GET,HEAD"},
       {"route", "a.example if.header=:x", "if.header=:x: write NAME or NAME:VALUE"},
       {"route", "a.example if.header=x:", "if.header=x:: the value is empty; write NAME alone for any value"}},
      Trust::tags);
}

TEST(ServiceKeys, WhatIsNotCarriedYetIsToldApartFromWhatIsWrong) {
  const std::vector<Row> rows{{"tcp", "127.0.0.1:3306"},
                              {"tunnel", "offer", "not carried yet: ignored"},
                              {"failover", "dc2"},
                              {"rate_limit", "search"},
                              {"auth", "basic:x"},
                              {"zone", "only"},
                              {"single", "true"},
                              {"single", "false"},
                              {"maintenance", "true"},
                              {"maintenance", "false"},
                              {"compress", "gzip"},
                              {"balance", "peak_ewma"},
                              {"certificate", "acme"},
                              {"certificate", "file:x"},
                              {"health", "redis role=master"},
                              {"protocol", "h2c"},
                              {"protocol", "https"},
                              {"timeout", "5s"}};
  for (const Row& row : rows) {
    EXPECT_EQ(check_setting(row.key, row.value, Trust::tags), std::nullopt) << row.key;
    const auto later = not_carried(row.key, row.value);
    EXPECT_EQ(later ? later->what : "", row.wrong) << row.key << "=" << row.value;
    EXPECT_EQ(later && later->refused, std::string(row.wrong).find("refused") != std::string::npos) << row.key;
  }
}

TEST(ServiceValues, HealthWritesWhatItSays) {
  const auto setting =
      parse_health("https:8443/up?x=1 status=2xx,401 body=\"all fine\" interval=1s timeout=500ms rise=3 fall=4");
  ASSERT_TRUE(setting);
  const HealthCheck& check = setting->check;
  EXPECT_EQ(check.id, "gatehouse:health");
  EXPECT_TRUE(check.tls);
  EXPECT_EQ(check.port, 8443);
  EXPECT_EQ(check.path, "/up?x=1");
  EXPECT_EQ(check.status, (std::vector<StatusRange>{{200, 299}, {401, 401}}));
  EXPECT_EQ(check.body_contains, "all fine");
  EXPECT_EQ(check.interval, 1s);
  EXPECT_EQ(check.timeout, 500ms);
  EXPECT_EQ(check.rise, 3u);
  EXPECT_EQ(check.fall, 4u);
  EXPECT_FALSE(setting->follows_protocol);
}

TEST(ServiceValues, ABarePathFollowsTheProtocolAndTheServicesTls) {
  Subject subject;
  subject.service.protocol = Protocol::https;
  subject.service.tls_name = "db.internal";
  ASSERT_TRUE(find_service_key("health")->apply(subject, "/up"));
  EXPECT_TRUE(subject.service.health->tls);
  EXPECT_TRUE(subject.service.health->tls_of_service);
  EXPECT_EQ(subject.service.health->tls_server_name, "db.internal");
  Subject plain;
  ASSERT_TRUE(find_service_key("health")->apply(plain, "/up"));
  EXPECT_FALSE(plain.service.health->tls);
}

TEST(ServiceValues, RetrySaysExactlyWhatItIsFor) {
  const auto retry = parse_retry("2 on=timeout,503 methods=GET,POST budget=5%");
  ASSERT_TRUE(retry);
  EXPECT_EQ(retry->attempts, 2u);
  EXPECT_FALSE(retry->on_connect);
  EXPECT_FALSE(retry->on_stale);
  EXPECT_TRUE(retry->on_timeout);
  EXPECT_EQ(retry->on_status, (std::vector<StatusRange>{{503, 503}}));
  EXPECT_EQ(retry->methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(retry->budget_percent, 5u);
  EXPECT_EQ(*parse_retry("1"), RetryPolicy{});
}

TEST(ServiceValues, APageForTwoStatusesIsTwoPages) {
  const auto pages = parse_pages("502,5xx:down.json retry_after=1m");
  ASSERT_TRUE(pages);
  ASSERT_EQ(pages->size(), 2u);
  EXPECT_EQ((*pages)[0].status, (StatusRange{502, 502}));
  EXPECT_EQ((*pages)[1].status, (StatusRange{500, 599}));
  EXPECT_EQ((*pages)[0].file, "down.json");
  EXPECT_EQ((*pages)[0].content_type, "application/json");
  EXPECT_EQ((*pages)[0].retry_after, 60s);
}

TEST(Words, QuotesKeepSpacesTogether) {
  const auto words = parse_words("  a.html   x=\"one \\\"two\\\" \\\\ three\"  y=z=1 ", Head::required);
  ASSERT_TRUE(words);
  EXPECT_EQ(words->head, "a.html");
  EXPECT_EQ(words->options, (std::vector<Option>{{"x", "one \"two\" \\ three"}, {"y", "z=1"}}));
}

}  // namespace
}  // namespace gatehouse::conf
