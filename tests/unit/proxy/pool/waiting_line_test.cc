#include "proxy/pool/waiting_line.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

struct Waiter {
  explicit Waiter(Loop& loop, bool choosy = false) : waker(loop), place(waker, choosy) {}
  bool woken() {
    auto sleep = waker.sleep(never);
    const bool signaled = sleep.await_ready();
    if (signaled) sleep.await_resume();
    return signaled;
  }
  Waker waker;
  WaitingLine::Place place;
};

class Line : public testing::Test {
 protected:
  Loop loop_;
  WaitingLine line_;
  Waiter first_{loop_}, second_{loop_}, third_{loop_, true};
};

TEST_F(Line, WakesTheOldestForAPlace) {
  line_.wake_oldest();
  line_.join(first_.place);
  line_.join(second_.place);
  EXPECT_TRUE(first_.woken());  // the second may have overlooked a place
  line_.wake_oldest();
  EXPECT_TRUE(first_.woken());
  EXPECT_FALSE(second_.woken());
  EXPECT_TRUE(line_.is_oldest(first_.place));
  EXPECT_FALSE(line_.is_oldest(second_.place));
}

TEST_F(Line, WakesTheNextWhenOneLeaves) {
  line_.join(first_.place);
  line_.join(second_.place);
  line_.join(third_.place);
  line_.leave(first_.place);
  EXPECT_TRUE(second_.woken());
  EXPECT_FALSE(third_.woken());
  EXPECT_TRUE(line_.is_oldest(second_.place));
  line_.wake_after(second_.place);
  EXPECT_TRUE(third_.woken());
}

TEST_F(Line, KnowsWhetherSomebodyTakesAnyPlace) {
  line_.join(third_.place);
  EXPECT_FALSE(line_.takes_any());
  line_.join(first_.place);
  EXPECT_TRUE(line_.takes_any());
  line_.leave(first_.place);
  EXPECT_FALSE(line_.takes_any());
}

}  // namespace
}  // namespace gatehouse::pool
