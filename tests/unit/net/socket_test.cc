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

Task<> read_until(Socket& socket, Waker& waker, char wanted) {
  for (char byte = 0; byte != wanted;) {
    const IoResult got = socket.receive(&byte, 1);
    if (got.again()) co_await waker.sleep(never);
  }
  waker.loop().stop();
}

TEST(Socket, ArrivalsThatNobodyReadsStopWakingTheLoop) {
  constexpr int arrivals = 200;
  Loop loop;
  Socket socket;
  Waker waker(loop);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_TRUE(socket.open(loop, ends[0]));
  const UniqueFd peer(ends[1]);
  socket.set_waker(&waker);
  int turns = 0, turns_unread = 0;
  loop.set_turn_end([&] { ++turns; });
  Task<> reader = read_until(socket, waker, '!');
  std::thread sender([&] {
    for (int i = 0; i < arrivals; ++i) {
      EXPECT_EQ(::send(peer.get(), ".", 1, 0), 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    loop.post([&] {
      turns_unread = turns;
      reader.start();  // reads all that came; what comes after that wakes again
      EXPECT_EQ(::send(peer.get(), "!", 1, 0), 1);
    });
  });
  loop.run();
  sender.join();
  EXPECT_LT(turns_unread, arrivals / 4);
}

}  // namespace
}  // namespace gatehouse
