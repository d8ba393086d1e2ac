#include "proxy/probe/resp.h"

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

using State = RedisAnswer::State;

std::string said(std::string_view bytes, bool master) {
  const RedisAnswer answer = read_redis_answer(bytes, master);
  constexpr const char* states[] = {"incomplete", "passing", "critical"};
  return states[static_cast<std::size_t>(answer.state)] + (answer.output.empty() ? "" : ": " + answer.output);
}

TEST(Resp, APongPasses) {
  EXPECT_EQ(said("+PONG\r\n", false), "passing: Redis: PONG");
  EXPECT_EQ(said("$4\r\nPONG\r\n", false), "passing: Redis: PONG");
  EXPECT_EQ(said("+PANG\r\n", false), "critical: Redis: answers PANG");
}

TEST(Resp, OnlyAMasterIsOne) {
  EXPECT_EQ(said("*3\r\n$6\r\nmaster\r\n:3129659\r\n*0\r\n", true), "passing: Redis: the master");
  EXPECT_EQ(said("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n", true), "critical: Redis: is a slave");
  EXPECT_EQ(said("*1\r\n$8\r\nsentinel\r\n", true), "critical: Redis: is a sentinel");
}

TEST(Resp, ErrorsAreTold) {
  EXPECT_EQ(said("-LOADING Redis is loading the dataset in memory\r\n", false),
            "critical: Redis: LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(said("-ERR \x1b[1m\r\n", true), "critical: Redis: ERR ?[1m");
  EXPECT_EQ(said("-NOAUTH Authentication required.\r\n", false), "passing: Redis: wants a password");
  EXPECT_EQ(said("-NOAUTH Authentication required.\r\n", true), "critical: Redis: NOAUTH Authentication required.");
}

TEST(Resp, WaitsForTheRestAndForNothingElse) {
  const std::string role = "*3\r\n$6\r\nmaster\r\n";
  for (std::size_t size = 0; size < role.size(); ++size)
    ASSERT_EQ(said(role.substr(0, size), true), "incomplete") << size;
  EXPECT_EQ(said(role, true), "passing: Redis: the master");
}

TEST(Resp, WhatIsNotItsProtocolIsCritical) {
  const std::string wrong = "critical: Redis: the answer is not its protocol";
  EXPECT_EQ(said("HTTP/1.1 400 Bad Request\r\n", false), wrong);
  EXPECT_EQ(said(":1\r\n", false), wrong);
  EXPECT_EQ(said("$5\r\nPONG\r\n", false), wrong);
  EXPECT_EQ(said("*0\r\n", true), wrong);
  EXPECT_EQ(said("*3\r\n:1\r\n", true), wrong);
  EXPECT_EQ(said("+" + std::string(600, 'x'), false), wrong);
}

TEST(Resp, IsNeverIncompleteAtItsLimit) {
  for (const char* head : {"", "*1\r\n", "*1\r\n$500\r\n", "$500\r\n"}) {
    const std::string bytes = head + std::string(resp_answer_bytes_max, 'x');
    EXPECT_NE(read_redis_answer(bytes, true).state, State::incomplete) << head;
    EXPECT_NE(read_redis_answer(bytes, false).state, State::incomplete) << head;
  }
}

}  // namespace
}  // namespace gatehouse::pool
