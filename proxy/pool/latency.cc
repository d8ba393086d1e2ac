#include "proxy/pool/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gatehouse::pool {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr double share_most = 1.0 / 16;  // of one answer in the mean
constexpr double times_most = 4;         // the mean, that one answer counts as

struct Average {
  float us = 0;
  std::uint32_t at_ms = 0;  // wraps after 49 days, which looks like a short silence then
};

Average load(const std::atomic<std::uint64_t>& place) { return std::bit_cast<Average>(place.load(relaxed)); }

void store(std::atomic<std::uint64_t>& place, double us, std::int64_t now_ms) {
  place.store(std::bit_cast<std::uint64_t>(Average{static_cast<float>(us), static_cast<std::uint32_t>(now_ms)}),
              relaxed);
}

double elapsed_ms(const Average& average, std::int64_t now_ms) {
  return static_cast<std::uint32_t>(now_ms) - average.at_ms;
}

double kept(double elapsed, Millis decay) { return std::exp(-elapsed / static_cast<double>(decay.count())); }

}  // namespace

void note_peak(EndpointState& state, std::uint64_t us, std::int64_t now_ms) {
  const Average before = load(state.peak_latency);
  const double fresh = static_cast<double>(us), keep = kept(elapsed_ms(before, now_ms), peak_decay);
  store(state.peak_latency, fresh >= before.us ? fresh : before.us * keep + fresh * (1 - keep), now_ms);
}

double peak_us(const EndpointState& state, std::int64_t now_ms) {
  const Average average = load(state.peak_latency);
  return average.us * kept(elapsed_ms(average, now_ms), peak_decay);
}

void note_mean(EndpointState& state, std::uint64_t us, Millis window, std::int64_t now_ms) {
  const Average before = load(state.mean_latency);
  const double elapsed = elapsed_ms(before, now_ms);
  const std::uint32_t samples = mean_of(state, window, now_ms).samples;
  const bool first_ones = samples < 1 / share_most;
  const double fresh =
      first_ones ? static_cast<double>(us) : std::min(static_cast<double>(us), times_most * before.us);
  const double share = first_ones ? 1.0 / (samples + 1) : std::min(1 - kept(elapsed, window), share_most);
  store(state.mean_latency, before.us + (fresh - before.us) * share, now_ms);
  state.latency_samples.store(samples + 1, relaxed);
}

Mean mean_of(const EndpointState& state, Millis window, std::int64_t now_ms) {
  const Average average = load(state.mean_latency);
  if (elapsed_ms(average, now_ms) > static_cast<double>(window.count())) return {};
  return {average.us, state.latency_samples.load(relaxed)};
}

}  // namespace gatehouse::pool
