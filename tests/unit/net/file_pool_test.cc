#include "net/file_pool.h"

#include <atomic>

#include <gtest/gtest.h>

#include "net/task.h"

namespace gatehouse {
namespace {

struct Noting : FileJob {
  explicit Noting(std::atomic<unsigned>& counter) : count(counter) {}
  void work() override { count.fetch_add(1); }
  std::atomic<unsigned>& count;
};

struct Blocked : FileJob {
  explicit Blocked(std::atomic<bool>& gate) : open(gate) {}
  void work() override { open.wait(false); }
  std::atomic<bool>& open;
};

Task<> wait_for(Loop& loop, Waker& waker, FilePool& pool, std::atomic<unsigned>& count, unsigned jobs) {
  for (unsigned i = 0; i < jobs; ++i) {
    const auto job = std::make_shared<Noting>(count);
    job->waiter = &waker;
    EXPECT_TRUE(pool.submit(job));
    while (!job->finished) co_await waker.sleep(never);
  }
  loop.stop();
}

TEST(FilePool, AJobsEndIsToldInTheLoop) {
  std::atomic<unsigned> count{0};
  Loop loop;
  FilePool pool(loop);
  Waker waker(loop);
  Task<> story = wait_for(loop, waker, pool, count, 200);
  story.start();
  loop.run();
  EXPECT_TRUE(story.done());
  EXPECT_EQ(count, 200u);
}

TEST(FilePool, SoManyMayWaitAndNotOneMore) {
  std::atomic<bool> open{false};
  Loop loop;
  FilePool pool(loop);
  std::size_t taken = 0;
  // Those that are worked on wait no more; how many that are by now nobody knows.
  while (taken < FilePool::queued_most + FilePool::threads_most + 1 && pool.submit(std::make_shared<Blocked>(open)))
    ++taken;
  EXPECT_GE(taken, FilePool::queued_most);
  EXPECT_LE(taken, FilePool::queued_most + FilePool::threads_most);
  open = true;
  open.notify_all();
}

TEST(FilePool, WhoeverWaitsMayLeave) {
  std::atomic<unsigned> count{0};
  Loop loop;
  {
    FilePool pool(loop);
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.submit(std::make_shared<Noting>(count)));
  }
  EXPECT_LE(count, 50u);
}

}  // namespace
}  // namespace gatehouse
