#include "net/relay.h"

#include <functional>

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

// What is written to one end comes out of the other, with the relay between them.
struct Channel {
  explicit Channel(const std::function<void(Relay&)>& begin) : pipes(4), from(loop), to(loop), relay(buffers, pipes) {
    begin(relay);
  }
  Relay::State offer(std::size_t bytes) {
    const std::string some(bytes, 'x');
    EXPECT_EQ(::write(from.theirs.get(), some.data(), some.size()), static_cast<ssize_t>(some.size()));
    return run();
  }
  Relay::State run() {
    from.ready();
    to.ready();
    return relay.run(from.ours, to.ours);
  }
  std::size_t take() {
    std::string into(1 << 20, 0);
    const auto count = ::read(to.theirs.get(), into.data(), into.size());
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

  Loop loop;
  BufferPool buffers;
  PipePool pipes;
  Ends from, to;
  Relay relay;
};

TEST(Relay, AStreamThatSaysLittleIsCopiedAndOneThatSaysMuchIsSpliced) {
  Channel channel([](Relay& relay) { relay.start_stream(); });
  for (int i = 0; i < 1000; ++i) {
    channel.offer(1000);
    ASSERT_EQ(channel.take(), 1000u);
  }
  EXPECT_FALSE(channel.relay.holds_pipe());
  EXPECT_EQ(channel.buffers.bytes_out(), 0u) << "no slab while there is nothing to move";
  for (int i = 0; i < 20; ++i) {
    channel.offer(100'000);
    ASSERT_EQ(channel.take(), 100'000u);
  }
  EXPECT_TRUE(channel.relay.holds_pipe());
  for (int i = 0; i < 20; ++i) {
    channel.offer(1000);
    ASSERT_EQ(channel.take(), 1000u);
  }
  EXPECT_FALSE(channel.relay.holds_pipe()) << "little again";
}

TEST(Relay, APipeOfAStreamThatFellSilentGoesBack) {
  Channel channel([](Relay& relay) { relay.start_stream(); });
  for (int i = 0; i < 20; ++i) {
    channel.offer(100'000);
    ASSERT_EQ(channel.take(), 100'000u);
  }
  ASSERT_TRUE(channel.relay.holds_pipe());
  channel.relay.relieve();
  EXPECT_FALSE(channel.relay.holds_pipe());
  EXPECT_EQ(channel.pipes.bytes_out(), 0u);
  channel.offer(100'000);
  EXPECT_EQ(channel.take(), 100'000u);
}

TEST(Relay, WhatIsHeldGoesFirstAndTheEndComesLast) {
  Buffer held;
  Channel channel([](Relay&) {});
  held = channel.buffers.take();
  held.append("first ");
  channel.relay.start_stream(std::move(held));
  ASSERT_EQ(::write(channel.from.theirs.get(), "second", 6), 6);
  ::shutdown(channel.from.theirs.get(), SHUT_WR);
  EXPECT_EQ(channel.run(), Relay::State::blocked) << "a short read: the end is another edge";
  EXPECT_EQ(channel.run(), Relay::State::source_ended);
  char got[32];
  const auto count = ::read(channel.to.theirs.get(), got, sizeof got);
  EXPECT_EQ(std::string(got, static_cast<std::size_t>(count)), "first second");
  EXPECT_EQ(channel.relay.moved(), 12u);
  EXPECT_EQ(channel.relay.received(), 6u);
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
