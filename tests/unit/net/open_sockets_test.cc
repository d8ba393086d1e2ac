#include "net/open_sockets.h"

#include <cstdlib>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/listener.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

TEST(OpenSockets, AreFoundByWhereTheyListenAndTakenOnce) {
  const auto bound = ListenSocket::bind(*SocketAddress::parse("127.0.0.1:0"));
  ASSERT_TRUE(bound);
  const SocketAddress address = (*bound)->address();
  OpenSockets open;
  open.add(UniqueFd(::dup((*bound)->fd())));
  EXPECT_FALSE(open.take(*SocketAddress::parse("127.0.0.2:" + std::to_string(address.port))));
  const UniqueFd taken = open.take(address);
  ASSERT_TRUE(taken);
  EXPECT_NE(::fcntl(taken.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(taken.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_FALSE(open.take(address));
}

TEST(OpenSockets, WhatDoesNotListenIsClosed) {
  OpenSockets open;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  open.add(UniqueFd(fd));
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST(OpenSockets, AUnixSocketIsFoundByItsPath) {
  const ScratchFolder folder;
  const std::string path = folder.path("socket");
  const auto bound = ListenSocket::bind_unix(path, 0600);
  ASSERT_TRUE(bound);
  OpenSockets open;
  open.add(UniqueFd(::dup((*bound)->fd())));
  EXPECT_TRUE(open.take_unix(path));
}

TEST(OpenSockets, TheEnvironmentOfAnotherProcessIsNotOurs) {
  ::setenv("LISTEN_PID", "1", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  OpenSockets open;
  open.add_from_environment();
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_PID"), nullptr);
}

}  // namespace
}  // namespace gatehouse
