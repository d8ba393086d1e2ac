#include "net/lane.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "net/relay.h"

namespace gatehouse {
namespace {

// A lane in memory, which takes so much at a time as it has room for.
class MemoryLane final : public Lane {
 public:
  void offer(std::string_view bytes, bool end = false) {
    in_ += bytes;
    ending_ = end;
    readable_ = true;
    wake();
  }
  void make_room(std::size_t bytes) {
    room_ = bytes;
    writable_ = bytes > 0;
    wake();
  }
  void fail() {
    failed_ = readable_ = writable_ = true;
    wake();
  }
  IoResult receive(char* data, std::size_t size) override {
    if (failed_) return {IoResult::State::failed};
    const std::size_t some = in_.copy(data, size);
    in_.erase(0, some);
    readable_ = !in_.empty() || ending_;
    if (some > 0) return {IoResult::State::ok, some};
    ended_ = ending_;
    return {ending_ ? IoResult::State::ended : IoResult::State::again};
  }
  IoResult send(const char* data, std::size_t size) override {
    if (failed_) return {IoResult::State::failed};
    const std::size_t some = std::min(size, room_);
    out.append(data, some);
    room_ -= some;
    writable_ = room_ > 0;
    return {some > 0 ? IoResult::State::ok : IoResult::State::again, some};
  }
  void end_sending() override { sending_ended = true; }
  void reset() override { fail(); }

  std::string out;
  bool sending_ended = false;

 private:
  std::string in_;
  std::size_t room_ = 0;
  bool ending_ = false;
};

struct Lanes {
  Lanes() {
    from.lane = &source;
    to.lane = &sink;
  }
  Loop loop;
  BufferPool buffers;
  PipePool pipes{4};
  MemoryLane source, sink;
  Stream from, to;
};

TEST(Lane, ARelayMovesBetweenLanesAndNeverSplices) {
  Lanes lanes;
  Relay relay(lanes.buffers, lanes.pipes);
  const std::string body(Relay::splice_least * 2, 'x');
  relay.start(body.size());
  lanes.sink.make_room(body.size());
  lanes.source.offer(body);
  EXPECT_EQ(relay.run(lanes.from, lanes.to), Relay::State::done);
  EXPECT_EQ(lanes.sink.out, body);
  EXPECT_EQ(lanes.pipes.bytes_out(), 0u);
}

TEST(Lane, WhatTheSinkHasNoRoomForIsHeldAndNothingMoreIsRead) {
  Lanes lanes;
  Relay relay(lanes.buffers, lanes.pipes);
  relay.start(6);
  lanes.sink.make_room(2);
  lanes.source.offer("abcd");
  EXPECT_EQ(relay.run(lanes.from, lanes.to), Relay::State::blocked);
  EXPECT_EQ(lanes.sink.out, "ab");
  EXPECT_FALSE(lanes.to.writable());
  lanes.source.offer("ef");
  EXPECT_EQ(relay.run(lanes.from, lanes.to), Relay::State::blocked);
  EXPECT_TRUE(lanes.from.may_receive());
  lanes.sink.make_room(10);
  EXPECT_EQ(relay.run(lanes.from, lanes.to), Relay::State::done);
  EXPECT_EQ(lanes.sink.out, "abcdef");
}

TEST(Lane, AnEndAndAFailureAreToldApart) {
  Lanes lanes;
  Relay relay(lanes.buffers, lanes.pipes);
  relay.start(Relay::unlimited);
  lanes.sink.make_room(10);
  lanes.source.offer("ab", true);
  EXPECT_EQ(relay.run(lanes.from, lanes.to), Relay::State::source_ended);
  EXPECT_TRUE(lanes.from.peer_ended());
  EXPECT_FALSE(lanes.from.failed());
  lanes.from.reset();
  EXPECT_TRUE(lanes.from.failed());
  lanes.to.end_sending();
  EXPECT_TRUE(lanes.sink.sending_ended);
}

TEST(Lane, ItsWakerHearsOfChanges) {
  Lanes lanes;
  Waker waker(lanes.loop);
  lanes.from.set_waker(&waker);
  EXPECT_FALSE(waker.sleep(0).await_ready());
  lanes.source.offer("a");
  EXPECT_TRUE(waker.sleep(0).await_ready());
}

TEST(Lane, OneThatWasNeverUsedLooksIdleUntilItSaysSomething) {
  Lanes lanes;
  EXPECT_TRUE(lanes.from.looks_idle());
  lanes.source.offer("a");
  EXPECT_FALSE(lanes.from.looks_idle());
}

}  // namespace
}  // namespace gatehouse
