// What finding a route costs, with 10 and with 10,000 services: it must be flat (within 20 %).
//   Services have a host each; of ten, two have three paths and one is a wildcard. `Busy` asks for ten of them again
//   and again, one of each kind: what the tables cost. `Anywhere` asks for all of them at random: there the
//   processor's caches show, and at 10,000 hosts most of the time is spent waiting for memory.
#include <benchmark/benchmark.h>

#include "net/dice.h"
#include "proxy/route/matcher.h"

namespace gatehouse::route {
namespace {

std::string host_of(std::size_t i) {
  const auto digits = std::to_string(100'000 + i);  // names of one length: hashing them costs the same
  return "service-" + digits + ".team-" + digits.substr(4) + ".example";
}

Matcher make(std::size_t count) {
  Matcher::Services services;
  for (std::size_t i = 0; i < count; ++i) {
    auto service = std::make_shared<conf::Service>();
    service->name = "service-" + std::to_string(i);
    const std::vector<std::string> paths =
        i % 5 == 3 ? std::vector<std::string>{"/", "/api/v1", "/static"} : std::vector<std::string>{"/"};
    for (const auto& path : paths) {
      conf::Route route;
      route.match.host = (i % 10 == 7 ? "*." : "") + host_of(i);
      route.match.path = path;
      service->routes.push_back(route);
    }
    services.push_back(service);
  }
  conf::Findings findings;
  return Matcher(services, {}, findings);
}

std::string asked(std::size_t i) { return (i % 10 == 7 ? "a." : "") + host_of(i); }

void match(benchmark::State& state, const std::vector<std::string>& hosts) {
  const auto matcher = make(static_cast<std::size_t>(state.range(0)));
  std::size_t at = 0;
  for (auto _ : state) {
    RouteRequest request{.host = hosts[at], .port = 443, .path = "/api/v1/users/42"};
    benchmark::DoNotOptimize(matcher.match(request).target);
    at = at + 1 == hosts.size() ? 0 : at + 1;
  }
}

void Busy(benchmark::State& state) {
  const auto tens = static_cast<std::size_t>(state.range(0)) / 10;
  std::vector<std::string> hosts;
  for (std::size_t k = 0; k < 10; ++k) hosts.push_back(asked(tens * k / 10 * 10 + k));
  match(state, hosts);
}

void Anywhere(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::string> hosts;
  Dice dice(7);
  for (int n = 0; n < 1 << 14; ++n) hosts.push_back(asked(dice.roll() % count));
  match(state, hosts);
}

BENCHMARK(Busy)->Arg(10)->Arg(100)->Arg(1000)->Arg(10'000);
BENCHMARK(Anywhere)->Arg(10)->Arg(100)->Arg(1000)->Arg(10'000);

void Unknown(benchmark::State& state) {
  const auto matcher = make(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(matcher.match({.host = "nobody.knows.this.host.example", .path = "/a/b"}).target);
  }
}
BENCHMARK(Unknown)->Arg(10)->Arg(10'000);

void Build(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(make(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(Build)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gatehouse::route

BENCHMARK_MAIN();
