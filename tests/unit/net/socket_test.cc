#include "net/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gatehouse
