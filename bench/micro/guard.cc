// What the guard costs a request: a limit's check with a million keys, a ban's look-up among a million bans, a
// strike; and what a million bans cost at start.
//   Threads beside each other share the tables, as workers do. LimitP99 tells percentiles, of batches of 16.
#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

#include "conf/guard_presets.h"
#include "net/dice.h"
#include "ratelimit/ban_file.h"
#include "ratelimit/watch.h"

namespace gatehouse::ratelimit {
namespace {

constexpr std::size_t many = 1'000'000;
constexpr SipKey secret{1, 2};

IpAddress client(std::uint64_t n) {
  IpAddress out;
  out.bytes = {0x20, 0x01, 0x0d, 0xb8};
  for (unsigned i = 0; i < 4; ++i) out.bytes[4 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return out;
}

struct Limited {
  Limited() : table(many * 2), limits(conf(), secret, nullptr) {
    for (std::size_t n = 0; n < many; ++n) ask(n);
  }
  static conf::Guard conf() {
    conf::Guard guard;
    guard.rate_limits["a"].rate = {1, 3600s};
    guard.rate_limits["a"].burst = 20;
    return guard;
  }
  LimitVerdict ask(std::uint64_t n) {
    RequestFacts facts;
    facts.client = client(n);
    static const std::vector<std::string> names{"a"};
    return limits.judge(names, facts, 1'000'000, table);
  }
  LimitTable table;
  Limits limits;
};

Limited& limited() {
  static Limited made;
  return made;
}

void Limit(benchmark::State& state) {
  Limited& all = limited();
  Dice dice(static_cast<std::uint64_t>(state.thread_index()) + 7);
  for (auto _ : state) benchmark::DoNotOptimize(all.ask(below(dice, many)));
}
BENCHMARK(Limit)->Threads(1)->Threads(2)->UseRealTime();

void LimitP99(benchmark::State& state) {
  Limited& all = limited();
  Dice dice(static_cast<std::uint64_t>(state.thread_index()) + 7);
  constexpr int batch = 16;
  std::vector<double> times;
  times.reserve(1 << 22);
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < batch; ++i) benchmark::DoNotOptimize(all.ask(below(dice, many)));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    if (times.size() < times.capacity()) times.push_back(took.count() / batch);
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(static_cast<double>(times.size() - 1) * share)];
  };
  using benchmark::Counter;
  state.counters["p50_ns"] = Counter(at(0.5), Counter::kAvgThreads);
  state.counters["p99_ns"] = Counter(at(0.99), Counter::kAvgThreads);
}
BENCHMARK(LimitP99)->Threads(1)->Threads(2)->UseRealTime();

BanTable& banned() {
  static BanTable* const table = [] {
    auto* made = new BanTable(secret, many * 2);
    for (std::size_t n = 0; n < many; ++n) {
      Ban ban{.prefix = {client(n), 64}, .since_ms = 1, .until_ms = for_ever};
      made->add(ban, 1);
    }
    return made;
  }();
  return *table;
}

// Nobody of these is banned: what every honest request pays.
void NotBanned(benchmark::State& state) {
  const BanTable& table = banned();
  Dice dice(static_cast<std::uint64_t>(state.thread_index()) + 7);
  for (auto _ : state) benchmark::DoNotOptimize(table.find(client(many + below(dice, many)), 1000));
}
BENCHMARK(NotBanned)->Threads(1)->Threads(2)->UseRealTime();

void Banned(benchmark::State& state) {
  const BanTable& table = banned();
  Dice dice(static_cast<std::uint64_t>(state.thread_index()) + 7);
  for (auto _ : state) benchmark::DoNotOptimize(table.find(client(below(dice, many)), 1000));
}
BENCHMARK(Banned)->Threads(1)->Threads(2)->UseRealTime();

// An honest request shown to every preset there is.
// What stands between a restart and the first listener: the file's bytes to a table that is in force.
void LoadBans(benchmark::State& state) {
  BanTable before(secret, many * 2);
  for (std::size_t n = 0; n < many; ++n) {
    Ban ban{.prefix = {client(n), 64}, .since_ms = 1, .until_ms = 3'600'000};
    ban.set_jail("bench");
    before.add(ban, 1);
  }
  const std::string bytes = write_bans(secret, before, 1000, 1000);
  std::size_t loaded = 0;
  for (auto _ : state) {
    BanTable table(secret, many * 2);
    const auto read = read_bans(bytes, 1000, 1000);
    for (const Ban& ban : read->bans) table.add(ban, 0);
    loaded = table.live(1000);
  }
  state.counters["bans"] = static_cast<double>(loaded);
}
BENCHMARK(LoadBans)->Unit(benchmark::kMillisecond)->UseRealTime();

void Watch(benchmark::State& state) {
  conf::Guard guard;
  for (const conf::Preset& preset : conf::presets()) guard.jails[preset.name].preset = preset.name;
  const Rules rules(guard, secret, {}, nullptr);
  Tables tables(secret, 1024, 1024);
  LogRing told;
  Event event;
  event.client = client(1);
  event.method = "GET", event.host = "www.example", event.path = "/articles/2026/a-title-of-some-length.html";
  event.status = 200, event.termination = "ok", event.by = "backend", event.service = "web";
  event.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  std::uint64_t now = 1000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(watch(event, rules, tables, {now += 1000, 0}, told));
    told.release(told.peek().size());
  }
}
BENCHMARK(Watch);

}  // namespace
}  // namespace gatehouse::ratelimit

BENCHMARK_MAIN();
