#include "net/task.h"

#include <gtest/gtest.h>

#include "net/loop.h"

namespace gatehouse {
namespace {

Task<int> immediate(int value) { co_return value; }

Task<> count_to(int wanted, int& sum, Loop& loop) {
  for (int i = 0; i < wanted; ++i) {
    const int one = co_await immediate(1);
    sum += one;
  }
  loop.stop();
}

TEST(Task, CompletesAMillionImmediateAwaitsOnAFlatStack) {
  Loop loop;
  int sum = 0;
  Task<> story = count_to(1'000'000, sum, loop);
  story.start();
  EXPECT_TRUE(story.done());
  EXPECT_EQ(sum, 1'000'000);
}

Task<int> sleep_then(Waker& waker, int value) {
  co_await waker.yield();
  co_return value;
}

Task<> nest(Waker& waker, int depth, int& reached) {
  if (depth > 0) co_await nest(waker, depth - 1, reached);
  const int value = co_await sleep_then(waker, 1);
  reached += value;
}

Task<> run_nested(Loop& loop, Waker& waker, int& reached) {
  co_await nest(waker, 100, reached);
  loop.stop();
}

TEST(Task, ResumesParentsOfSuspendedChildrenThroughTheLoop) {
  Loop loop;
  Waker waker(loop);
  int reached = 0;
  Task<> story = run_nested(loop, waker, reached);
  loop.post([&] { story.start(); });
  loop.run();
  EXPECT_TRUE(story.done());
  EXPECT_EQ(reached, 101);
}

Task<> wait_once(Loop& loop, Waker& waker, LoopTime deadline, Waker::Why& why) {
  why = co_await waker.sleep(deadline);
  loop.stop();
}

TEST(Waker, ASignalBeforeTheSleepIsNotLost) {
  Loop loop;
  Waker waker(loop);
  waker.signal();
  Waker::Why why = Waker::Why::deadline;
  Task<> story = wait_once(loop, waker, never, why);
  story.start();
  EXPECT_TRUE(story.done());
  EXPECT_EQ(why, Waker::Why::signal);
}

TEST(Waker, ADeadlineEndsTheSleep) {
  Loop loop;
  Waker waker(loop);
  Waker::Why why = Waker::Why::signal;
  Task<> story = wait_once(loop, waker, loop.now() + 20, why);
  loop.post([&] { story.start(); });
  loop.run();
  EXPECT_EQ(why, Waker::Why::deadline);
}

TEST(TimerWheel, FiresInOrderNeverEarlyAndFollowsMovedDeadlines) {
  TimerWheel wheel;
  wheel.advance(1000);
  struct Probe : Timer {
    bool fired = false;
  } early, late, moved, cancelled;
  for (Probe* probe : {&early, &late, &moved, &cancelled})
    probe->fire = [](Timer& timer) { static_cast<Probe&>(timer).fired = true; };
  wheel.set(early, 1100);
  wheel.set(late, 200'000);  // more than a turn of the wheel away
  wheel.set(moved, 1200);
  wheel.set(moved, 5000);
  wheel.set(cancelled, 1100);
  wheel.cancel(cancelled);
  wheel.advance(1099);
  EXPECT_FALSE(early.fired);
  wheel.advance(1132);
  EXPECT_TRUE(early.fired);
  wheel.advance(4999);
  EXPECT_FALSE(moved.fired);
  wheel.advance(5032);
  EXPECT_TRUE(moved.fired);
  for (LoopTime now = 6000; now < 199'999; now += 1000) wheel.advance(now);
  EXPECT_FALSE(late.fired);
  wheel.advance(200'040);
  EXPECT_TRUE(late.fired);
  EXPECT_FALSE(cancelled.fired);
}

TEST(TimerWheel, AnEarlierDeadlineRelinksTheTimer) {
  TimerWheel wheel;
  wheel.advance(1000);
  bool fired = false;
  struct Probe : Timer {
    bool* fired;
  } probe;
  probe.fired = &fired;
  probe.fire = [](Timer& timer) { *static_cast<Probe&>(timer).fired = true; };
  wheel.set(probe, 60'000);
  wheel.set(probe, 1100);
  wheel.advance(1132);
  EXPECT_TRUE(fired);
}

}  // namespace
}  // namespace gatehouse
