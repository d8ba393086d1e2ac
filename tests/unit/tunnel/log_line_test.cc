#include "tunnel/log_line.h"

#include <array>

#include <gtest/gtest.h>

namespace gatehouse::tunnel {
namespace {

std::string written(const Record& record) {
  std::array<char, log_line_bytes_max> line;
  return {line.data(), write_log_line(record, line)};
}

TEST(TunnelLogLine, HasWhatIsKnownAndLeavesOutTheRest) {
  Record record;
  record.time = WallTime(std::chrono::milliseconds(1'700'000'000'123));
  record.node = "fd1";
  record.side = "exit";
  record.tunnel = "in";
  record.identity = "a.db.b";
  record.client = IpAddress::v4(10, 0, 0, 7);
  record.bytes_in = 12;
  record.duration_us = 1234567;
  record.end = End::wrong_key;
  EXPECT_EQ(written(record),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"tunnel\",\"node\":\"fd1\",\"side\":\"exit\","
            "\"tunnel\":\"in\","
            "\"client_address\":\"10.0.0.7\",\"identity\":\"a.db.b\",\"bytes_in\":12,\"bytes_out\":0,"
            "\"duration_ms\":1234.567,\"attempts\":0,\"termination\":\"wrong_key\"}\n");
  record.client_redacted = true;
  EXPECT_NE(written(record).find("\"client_address\":\"-\""), std::string::npos);
}

TEST(TunnelLogLine, StrangersBytesAreEscapedAndCut) {
  Record record;
  record.identity = "a\"\\\x1b\n\xff";
  EXPECT_NE(written(record).find("\"identity\":\"a\\u0022\\u005c\\u001b\\u000a\\u00ff\""), std::string::npos);
  const std::string long_one(200, 'x'), hostile(300, '\x01');
  record.identity = long_one;
  EXPECT_NE(written(record).find("\"" + std::string(128, 'x') + "...\""), std::string::npos);
  record.node = record.side = record.tunnel = record.identity = record.service = record.target = record.detail =
      record.connection = hostile;
  const std::string line = written(record);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_LE(line.size(), log_line_bytes_max);
}

TEST(TunnelLogLine, EveryEndHasAName) {
  for (std::size_t i = 0; i < end_count; ++i) EXPECT_FALSE(name_of(static_cast<End>(i)).empty());
  EXPECT_EQ(name_of(End::refused_by_exit), "refused_by_exit");
  EXPECT_EQ(name_of(End::wrong_key), "wrong_key");
  EXPECT_EQ(name_of(End::client_gone), "client_gone");
}

}  // namespace
}  // namespace gatehouse::tunnel
