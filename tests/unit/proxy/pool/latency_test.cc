#include "proxy/pool/latency.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

constexpr std::int64_t now_ms = 1'000'000;

TEST(PeakLatency, RisesAtOnceAndFallsByAndBy) {
  EndpointState state(0);
  EXPECT_EQ(peak_us(state, now_ms), 0);
  note_peak(state, 1'000, now_ms);
  note_peak(state, 50'000, now_ms);
  EXPECT_FLOAT_EQ(peak_us(state, now_ms), 50'000);
  note_peak(state, 1'000, now_ms + 5'000);
  EXPECT_NEAR(peak_us(state, now_ms + 5'000), 50'000 * 0.6065 + 1'000 * 0.3935, 10);
}

TEST(PeakLatency, FallsWithTimeAlone) {
  EndpointState state(0);
  note_peak(state, 50'000, now_ms);
  EXPECT_NEAR(peak_us(state, now_ms + 10'000), 50'000 * 0.3679, 10);
  EXPECT_LT(peak_us(state, now_ms + 200'000), 1);
}

TEST(PeakLatency, FollowsManyAnswersAMillisecond) {
  EndpointState state(0);
  note_peak(state, 50'000, now_ms);
  for (int ms = 1; ms <= 30'000; ++ms)
    for (int i = 0; i < 3; ++i) note_peak(state, 1'000, now_ms + ms);
  EXPECT_NEAR(peak_us(state, now_ms + 30'000), 1'000 + 49'000 * 0.0498, 60);
}

constexpr Millis window = 10s;

void answer(EndpointState& state, std::uint64_t us, int times, std::int64_t at) {
  for (int i = 0; i < times; ++i) note_mean(state, us, window, at + i * 100);
}

TEST(MeanLatency, IsThatOfTheFirstAnswersThenMovesSlowly) {
  EndpointState state(0);
  EXPECT_EQ(mean_of(state, window, now_ms).samples, 0u);
  note_mean(state, 1'000, window, now_ms);
  note_mean(state, 3'000, window, now_ms);
  EXPECT_FLOAT_EQ(mean_of(state, window, now_ms).us, 2'000);
  EXPECT_EQ(mean_of(state, window, now_ms).samples, 2u);
}

TEST(MeanLatency, IsMovedLittleByOneAnswerHoweverSlow) {
  EndpointState state(0);
  answer(state, 10'000, 40, now_ms);
  note_mean(state, 60'000'000, window, now_ms + 13'000);
  EXPECT_LE(mean_of(state, window, now_ms + 13'000).us, 10'000 * (1 + 3.0 / 16) + 1);
}

TEST(MeanLatency, ComesToWhatAllAnswersTake) {
  EndpointState state(0);
  answer(state, 10'000, 40, now_ms);
  answer(state, 80'000, 600, now_ms + 4'000);
  EXPECT_NEAR(mean_of(state, window, now_ms + 64'000).us, 80'000, 1'000);
}

TEST(MeanLatency, BeginsAnewAfterASilence) {
  EndpointState state(0);
  answer(state, 10'000, 40, now_ms);
  const std::int64_t later = now_ms + 3'900 + window.count();
  EXPECT_EQ(mean_of(state, window, later).samples, 40u);
  EXPECT_EQ(mean_of(state, window, later + 1).samples, 0u);
  note_mean(state, 500'000, window, later + 1);
  EXPECT_FLOAT_EQ(mean_of(state, window, later + 1).us, 500'000);
  EXPECT_EQ(mean_of(state, window, later + 1).samples, 1u);
}

}  // namespace
}  // namespace gatehouse::pool
