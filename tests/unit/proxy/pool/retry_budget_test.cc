#include "proxy/pool/retry_budget.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

int retries(RetryBudget& budget, std::int64_t at, unsigned percent = 20) {
  int n = 0;
  while (n < 10'000 && budget.try_retry(at, percent)) ++n;
  return n;
}

TEST(RetryBudget, AllowsTenASecondWhateverTheTraffic) {
  RetryBudget budget;
  EXPECT_EQ(retries(budget, 1000), 100);
  RetryBudget quiet;
  quiet.on_request(1000);
  EXPECT_EQ(retries(quiet, 1000), 100);
  RetryBudget none;
  EXPECT_EQ(retries(none, 1000, 0), 100);
}

TEST(RetryBudget, AllowsItsPartOfTheRequests) {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) budget.on_request(1000 + i);
  EXPECT_EQ(retries(budget, 2000), 200);
  for (int i = 0; i < 100; ++i) budget.on_request(2000 + i);
  EXPECT_EQ(retries(budget, 2100), 20);
}

TEST(RetryBudget, ForgetsAfterTenSeconds) {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) budget.on_request(1000);
  EXPECT_EQ(retries(budget, 4999), 200);
  EXPECT_EQ(retries(budget, 9999), 0);      // the half-window before still counts
  EXPECT_EQ(retries(budget, 10'000), 100);  // now it is gone, requests and retries alike
  EXPECT_EQ(retries(budget, 500'000), 100);
}

}  // namespace
}  // namespace gatehouse::pool
