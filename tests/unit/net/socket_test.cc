#include "net/socket.h"

#include <chrono>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/task.h"
#include "net/unique_fd.h"

namespace gatehouse {
namespace {

TEST(Socket, ThatTheLoopCannotWatchIsClosedAndTellsWhy) {
  Loop loop;
  Socket socket;
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);  // epoll takes no regular files
  ASSERT_GE(fd, 0);
  EXPECT_FALSE(socket.open(loop, fd));
  EXPECT_FALSE(socket.is_open());
  EXPECT_TRUE(socket.failed());
  EXPECT_EQ(socket.last_error(), EPERM);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1) << "the descriptor is closed";
}

// A socket on a loop that takes one turn for each step; counts the events that wake it.
class ASocket : public testing::Test {
 protected:
  ASocket() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_TRUE(socket.open(loop, ends[0]));
    peer = UniqueFd(ends[1]);
    socket.set_idle_event([](void* count) { ++*static_cast<int*>(count); }, &events);
  }

  void then(std::function<void()> step) { steps.push_back(std::move(step)); }
  void send_dots(int count) {
    for (int i = 0; i < count; ++i) then([this] { EXPECT_EQ(::send(peer.get(), ".", 1, 0), 1); });
  }
  void run() {
    std::size_t next = 0;
    loop.set_turn_end([&] {
      if (next == steps.size()) return loop.stop();
      steps[next++]();
      loop.post([] {});
    });
    loop.post([] {});
    loop.run();
  }
  IoResult read_all() {
    char bytes[64];
    IoResult got = socket.receive(bytes, sizeof bytes);
    while (got.ok()) got = socket.receive(bytes, sizeof bytes);
    return got;
  }

  Loop loop;
  Socket socket;
  UniqueFd peer;
  int events = 0;
  std::vector<std::function<void()>> steps;
};

TEST_F(ASocket, IsNotWokenByArrivalsThatNobodyReads) {
  send_dots(50);
  run();
  EXPECT_GE(events, 1);
  EXPECT_LE(events, 10);
}

TEST_F(ASocket, IsWokenAgainOnceItWasRead) {
  int before = 0;
  send_dots(20);
  then([&] {
    EXPECT_TRUE(read_all().again());
    before = events;
  });
  send_dots(1);
  then([&] { EXPECT_GT(events, before); });
  run();
}

TEST_F(ASocket, IsWokenByWhatWasNotReadIfSomebodyWaitsForMore) {
  int before = 0;
  send_dots(20);
  then([&] {
    before = events;
    socket.wait_readable();  // as a reader that only peeks
  });
  send_dots(3);
  then([&] { EXPECT_GE(events, before + 3); });
  run();
}

TEST_F(ASocket, SeesItsPeersEndWhateverWasNotRead) {
  send_dots(20);
  then([&] { EXPECT_EQ(::shutdown(peer.get(), SHUT_WR), 0); });
  then([&] { EXPECT_TRUE(socket.peer_ended()); });
  run();
}

TEST_F(ASocket, ThatIsClosedMayBeWaitedForInVain) {
  send_dots(20);
  then([&] {
    socket.close();
    socket.wait_readable();
    char byte;
    EXPECT_EQ(socket.receive(&byte, 1).state, IoResult::State::failed);
  });
  run();
}

}  // namespace
}  // namespace gatehouse
