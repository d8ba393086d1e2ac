#include "proxy/http/access_log.h"

#include <set>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace gatehouse::http {
namespace {

AccessRecord sample() {
  AccessRecord out;
  out.time = WallTime(Millis(1700000000123));
  out.node = "fd1";
  out.client_address = *IpAddress::parse("192.0.2.7");
  out.peer_address = *IpAddress::parse("2001:db8::1");
  out.method = "GET";
  out.host = "learn.bank.example";
  out.path = "/a?b=c";
  out.status = 200;
  out.bytes_in = 42;
  out.bytes_out = 1234567890123;
  out.duration = Micros(12345);
  out.first_byte = Micros(7);
  out.service = "lms";
  out.endpoint = "127.0.0.1:8001";
  out.attempts = 1;
  out.tls_version = "TLSv1.3";
  out.http_version = "HTTP/1.1";
  out.request_id = "id1";
  out.user_agent = "curl/8";
  return out;
}

std::string line(const AccessRecord& record, const std::vector<std::string>& redact = {}) {
  std::vector<char> room(access_line_bytes_max);
  const std::size_t size = AccessLineWriter(redact).write(record, room);
  return {room.data(), size};
}

TEST(AccessLog, ALineHasEveryFieldInItsOrder) {
  EXPECT_EQ(line(sample()),
            R"({"time":"2023-11-14T22:13:20.123Z","event":"request","node":"fd1","client_address":"192.0.2.7",)"
            R"("peer_address":"2001:db8::1","method":"GET","host":"learn.bank.example","path":"/a?b=c","status":200,)"
            R"("bytes_in":42,"bytes_out":1234567890123,"duration_ms":12.345,"connect_ms":null,"first_byte_ms":0.007,)"
            R"("service":"lms","endpoint":"127.0.0.1:8001","attempts":1,"termination":"ok","tls_version":"TLSv1.3",)"
            R"("http_version":"HTTP/1.1","request_id":"id1","ban_id":"","user_agent":"curl/8","referer":"",)"
            R"("encoding":"","user":"","trace_id":""})"
            "\n");
}

std::string path_as_logged(std::string_view path) {
  AccessRecord record = sample();
  record.path = path;
  const std::string text = line(record);
  const std::size_t begin = text.find("\"path\":\"") + 8;
  return text.substr(begin, text.find("\",\"status\"") - begin);
}

TEST(AccessLog, AnyByteStaysReadable) {
  EXPECT_EQ(path_as_logged("a\"b\\c"), R"(a\"b\\c)");
  EXPECT_EQ(path_as_logged(std::string_view("\0\r\n\t\x1f\x7f", 6)), R"(\u0000\u000d\u000a\u0009\u001f\u007f)");
  EXPECT_EQ(path_as_logged("\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xaa"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xaa");
  EXPECT_EQ(path_as_logged("\xe9t\xe9"), R"(\u00e9t\u00e9)");
  EXPECT_EQ(path_as_logged("\xc3"), R"(\u00c3)");
  EXPECT_EQ(path_as_logged("\xc0\xaf"), R"(\u00c0\u00af)");                      // overlong
  EXPECT_EQ(path_as_logged("\xed\xa0\x80"), R"(\u00ed\u00a0\u0080)");            // a surrogate
  EXPECT_EQ(path_as_logged("\xf4\x90\x80\x80"), R"(\u00f4\u0090\u0080\u0080)");  // beyond U+10FFFF
  EXPECT_EQ(path_as_logged("\xe2\x82z"), R"(\u00e2\u0082z)");
}

TEST(AccessLog, WhatSteersATerminalIsEscaped) {
  EXPECT_EQ(path_as_logged("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0");
  EXPECT_EQ(path_as_logged("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf"),
            "\xe2\x80\xa7\\u2028\\u202a\\u202e\xe2\x80\xaf");
  EXPECT_EQ(path_as_logged("\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa"), "\\u2066\\u2069\xe2\x81\xaa");
  EXPECT_EQ(path_as_logged("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f"), "\\u061c\\u200e\\u200f");
}

TEST(AccessLog, LongValuesAreCutAndSaySo) {
  const std::string path = path_as_logged(std::string(5000, 'a'));
  const std::size_t kept = path.find("...+");
  EXPECT_GT(kept, 3000u);
  EXPECT_EQ(path.substr(kept), "...+" + std::to_string(5000 - kept));
  EXPECT_EQ(path_as_logged(std::string(3000, 'a')), std::string(3000, 'a'));
  const std::string accents = path_as_logged(std::string(2000, 'a') + "\xc3\xa9" + std::string(5000, '\xe9'));
  EXPECT_NE(accents.find("\\u00e9...+"), std::string::npos);  // never cut in the middle of an escape
}

TEST(AccessLog, TheWorstLineFits) {
  const std::string worst(70000, '\x01'), wide(70000, '\xff');
  for (const std::string& bytes : {worst, wide}) {
    AccessRecord record = sample();
    for (auto* text : {&record.event, &record.node, &record.method, &record.host, &record.path, &record.service,
                       &record.endpoint, &record.tls_version, &record.http_version, &record.request_id,
                       &record.ban_id, &record.user_agent, &record.referer, &record.user})
      *text = bytes;
    record.client_address = record.peer_address = *IpAddress::parse("1111:2222:3333:4444:5555:6666:7777:8888");
    record.bytes_in = record.bytes_out = ~0ull;
    record.duration = Micros::max();
    record.connect = record.first_byte = Micros::max();
    record.attempts = ~0u;
    const std::string text = line(record);
    ASSERT_GT(text.size(), 6000u);
    EXPECT_LE(text.size(), access_line_bytes_max);
    EXPECT_TRUE(text.ends_with("}\n"));
    EXPECT_EQ(YAML::Load(text).size(), 27u);
  }
}

TEST(AccessLog, ARoomTooSmallGivesNoLine) {
  std::vector<char> room(100);
  EXPECT_EQ(AccessLineWriter().write(sample(), room), 0u);
}

TEST(AccessLog, RedactedFieldsAreADash) {
  const auto parsed = YAML::Load(line(sample(), {"path", "client_address", "status", "duration_ms"}));
  for (const char* name : {"path", "client_address", "status", "duration_ms"})
    EXPECT_EQ(parsed[name].as<std::string>(), "-") << name;
  EXPECT_EQ(parsed["host"].as<std::string>(), "learn.bank.example");
  EXPECT_TRUE(is_access_field("referer") && is_access_field("time"));
  EXPECT_FALSE(is_access_field("cookie") || is_access_field(""));
}

TEST(AccessLog, EveryTerminationHasATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < termination_count; ++i) texts.insert(termination_text(static_cast<Termination>(i)));
  EXPECT_EQ(texts.size(), termination_count);
  EXPECT_FALSE(texts.contains(""));
  EXPECT_EQ(termination_text(Termination::backend_cut), "backend_cut");
  EXPECT_EQ(termination_text(Termination::shutdown), "shutdown");
}

}  // namespace
}  // namespace gatehouse::http
