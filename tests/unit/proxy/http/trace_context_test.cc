#include "proxy/http/trace_context.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, ReadsAValidOne) {
  EXPECT_EQ(trace_id(good), "4bf92f3577b34da6a3ce929d0e0e4736");
  std::string later = good;
  later[1] = '1';
  EXPECT_EQ(trace_id(later), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace_id(later + "-what-is-to-come"), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(TraceContext, WhatIsNotValidIsNone) {
  EXPECT_EQ(trace_id(""), "");
  EXPECT_EQ(trace_id(good.substr(1)), "");
  EXPECT_EQ(trace_id(good + "-x"), "");
  EXPECT_EQ(trace_id("ff" + good.substr(2)), "");
  EXPECT_EQ(trace_id("01" + good.substr(2) + "x"), "");
  EXPECT_EQ(trace_id("00-" + std::string(32, '0') + good.substr(35)), "");
  EXPECT_EQ(trace_id(good.substr(0, 36) + std::string(16, '0') + "-01"), "");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = 'G';
    EXPECT_EQ(trace_id(bad), "") << i;
  }
}

TEST(TraceContext, MakesWhatItReads) {
  for (const std::uint64_t dice : {0ull, 1ull, 0x123456789abcdef0ull, ~0ull}) {
    const TraceParent made = make_traceparent(dice, dice, dice);
    EXPECT_EQ(trace_id({made.data(), made.size()}).size(), 32u);
  }
}

}  // namespace
}  // namespace gatehouse::http
