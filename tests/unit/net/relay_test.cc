#include "net/relay.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

// A stream of ours, and the other end of it.
struct Ends {
  explicit Ends(Loop& loop) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) std::abort();
    if (!ours.socket.open(loop, pair[0])) std::abort();
    theirs = UniqueFd(pair[1]);
    ready();
  }
  void ready() { ours.socket.on_events(EPOLLIN | EPOLLOUT); }

  Stream ours;
  UniqueFd theirs;
};

TEST(Relay, APipeThatItsSinkLeavesFullGoesBackOnceItIsEmpty) {
  Loop loop;
  BufferPool buffers;
  PipePool pipes(4);
  Ends from(loop), to(loop);
  const std::string body(4 << 20, 'x');
  Relay relay(buffers, pipes);
  relay.start(body.size());
  std::size_t offered = 0, taken = 0;
  const auto offer = [&] {
    const auto count = ::write(from.theirs.get(), body.data() + offered, body.size() - offered);
    if (count > 0) offered += static_cast<std::size_t>(count);
    from.ready();
    to.ready();
    return relay.run(from.ours, to.ours);
  };
  const auto take = [&] {
    std::string into(1 << 16, 0);
    for (auto count = ::read(to.theirs.get(), into.data(), into.size()); count > 0;
         count = ::read(to.theirs.get(), into.data(), into.size()))
      taken += static_cast<std::size_t>(count);
  };
  for (std::size_t before = ~std::size_t{0}; before != offered;) {  // until nothing moves any more
    before = offered;
    offer();
  }
  ASSERT_TRUE(relay.holds_pipe());
  EXPECT_GT(pipes.bytes_out(), 0u);
  relay.relieve();
  while (relay.holds_pipe() && relay.left() > 0) {
    take();
    offer();
  }
  EXPECT_GT(relay.left(), 0u);
  EXPECT_EQ(pipes.bytes_out(), 0u);
  while (taken < body.size()) {
    offer();
    take();
  }
  EXPECT_FALSE(relay.holds_pipe());
}

TEST(PipePool, KeepsFewThatNobodyUses) {
  PipePool one(6), other(6);
  std::vector<Pipe> taken;
  while (const auto pipe = one.take()) taken.push_back(*pipe);
  EXPECT_FALSE(other.take());
  for (const Pipe pipe : taken) one.give(pipe);
  const auto second = other.take();
  ASSERT_TRUE(second) << "what one loop has used is left to the others";
  other.give(*second);
}

TEST(BufferPool, IsFullAtItsBoundAndGivesAllTheSame) {
  BufferPool pool;
  pool.set_most(BufferPool::large, 0);
  const Buffer one = pool.take(BufferPool::small);
  EXPECT_FALSE(pool.full());
  const Buffer two = pool.take(BufferPool::large);
  EXPECT_TRUE(pool.full());
  EXPECT_TRUE(pool.take());
}

}  // namespace
}  // namespace gatehouse
