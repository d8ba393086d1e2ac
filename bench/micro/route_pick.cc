// What choosing an endpoint costs, by policy and pool size; `HalfDown` where every second endpoint can't be used,
// `Zoned` where half of them are far.
#include <benchmark/benchmark.h>

#include "net/dice.h"
#include "proxy/pool/hash.h"
#include "proxy/pool/latency.h"
#include "proxy/pool/pick.h"

namespace gatehouse::pool {
namespace {

EndpointSet make(std::size_t count, conf::Balance balance, bool half_down, bool zoned) {
  conf::Service service;
  service.balance = balance;
  std::vector<Endpoint> endpoints;
  for (std::uint32_t i = 0; i < count; ++i) {
    Endpoint endpoint;
    endpoint.state = std::make_shared<EndpointState>(i);
    endpoint.live = endpoint.state.get();
    endpoint.live->health = half_down && i % 2 ? Health::down : Health::up;
    endpoint.far = zoned && i % 2;
    endpoint.key = mix(i + 1);
    note_peak(*endpoint.live, 1'000 + i, 999'000);
    endpoints.push_back(std::move(endpoint));
  }
  return EndpointSet(endpoints, service);
}

void choose(benchmark::State& state, bool half_down, bool zoned) {
  const auto& policy = policies[static_cast<std::size_t>(state.range(0))];
  state.SetLabel(std::string(policy.name));
  const auto set = make(static_cast<std::size_t>(state.range(1)), policy.balance, half_down, zoned);
  Dice dice(7);
  std::uint32_t cursor = 0;
  PickContext context;
  context.now_ms = 1'000'000;
  context.cursor = &cursor;
  for (auto _ : state) {
    context.dice = dice.roll();
    context.hash = context.dice;
    const auto picked = pick(set, context);
    begin_request(*picked.endpoint);
    end_request(*picked.endpoint);
  }
}

void Pick(benchmark::State& state) { choose(state, false, false); }
void HalfDown(benchmark::State& state) { choose(state, true, false); }
void Zoned(benchmark::State& state) { choose(state, false, true); }
BENCHMARK(Pick)->ArgsProduct({{0, 1, 2, 3, 4, 5}, {3, 10, 1000}});
BENCHMARK(Zoned)->ArgsProduct({{0, 1, 2, 3, 4, 5}, {10, 1000}});
BENCHMARK(HalfDown)->ArgsProduct({{0, 1, 2, 3, 4, 5}, {3, 1000}});

}  // namespace
}  // namespace gatehouse::pool

BENCHMARK_MAIN();
