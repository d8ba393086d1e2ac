#include "net/fd_message.h"

#include <array>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace gatehouse {
namespace {

class FdMessages : public ::testing::Test {
 protected:
  FdMessages() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    one_ = UniqueFd(ends[0]);
    other_ = UniqueFd(ends[1]);
  }
  UniqueFd one_, other_;
};

TEST_F(FdMessages, TextAndDescriptorsArriveTogether) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const UniqueFd reads(pipe[0]);
  UniqueFd writes(pipe[1]);
  const std::array<int, 2> fds{writes.get(), writes.get()};
  ASSERT_TRUE(send_message(one_.get(), "sockets", fds));
  ASSERT_TRUE(send_message(one_.get(), "end"));
  writes = UniqueFd();
  Result<FdMessage> got = receive_message(other_.get());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text, "sockets");
  ASSERT_EQ(got->fds.size(), 2u);
  EXPECT_EQ(::write(got->fds[1].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reads.get(), &byte, 1), 1);
  got = receive_message(other_.get());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text, "end");
  EXPECT_TRUE(got->fds.empty());
}

TEST_F(FdMessages, WhatIsTooLargeIsAnError) {
  const std::vector<int> many(FdMessage::fds_most + 1, one_.get());
  EXPECT_FALSE(send_message(one_.get(), "x", many));
  EXPECT_FALSE(send_message(one_.get(), std::string(FdMessage::text_most + 1, 'x')));
  ASSERT_GT(::send(one_.get(), std::string(FdMessage::text_most + 1, 'x').data(), FdMessage::text_most + 1, 0), 0);
  EXPECT_FALSE(receive_message(other_.get()));
}

TEST_F(FdMessages, APeerThatIsGoneAndOneThatIsSilentAreToldApart) {
  EXPECT_EQ(receive_message(other_.get()).error().code, Errc::timed_out);
  one_ = UniqueFd();
  EXPECT_EQ(receive_message(other_.get()).error().code, Errc::closed);
  EXPECT_EQ(send_message(other_.get(), "x").error().code, Errc::closed);
}

}  // namespace
}  // namespace gatehouse
