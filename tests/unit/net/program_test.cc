#include "net/program.h"

#include <csignal>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::atomic<bool> never{false};

TEST(Programs, OutputsAndTheExitCodeComeBack) {
  const auto end = run_program({{"sh", "-c", "cat; echo $WHO >&2; exit 3"}, "in\n", {"WHO=us"}}, 10s, never);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 3);
  EXPECT_EQ(end->output, "in\nus\n");
}

TEST(Programs, MuchOutputIsCutAndHoldsNobodyUp) {
  const auto end = run_program({{"sh", "-c", "yes | head -c 1000000"}, {}, {}}, 10s, never);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
  EXPECT_EQ(end->output.size(), ProgramEnd::output_most);
}

TEST(Programs, WhatTakesTooLongIsKilledWithAllItStarted) {
  const auto end = run_program({{"sh", "-c", "sleep 1000 & sleep 1000"}, {}, {}}, 200ms, never);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::timed_out);
  std::atomic<bool> stop{true};
  EXPECT_FALSE(run_program({{"sleep", "1000"}, {}, {}}, 1h, stop));
}

TEST(Programs, WhatIsNotThereIsTold) {
  const auto end = run_program({{"/nowhere/program"}, {}, {}}, 1s, never);
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().what.find("/nowhere/program: No such file"), std::string::npos);
}

TEST(Programs, AProgramThatReadsNothingIsNoHarm) {
  std::signal(SIGPIPE, SIG_IGN);  // as the door does
  const auto end = run_program({{"true"}, std::string(1000, 'x'), {}}, 10s, never);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

}  // namespace
}  // namespace gatehouse
