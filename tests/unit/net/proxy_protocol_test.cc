#include "net/proxy_protocol.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;
using State = ProxyReading::State;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(int command, int family, const std::string& body) {
  return signature + static_cast<char>(command) + static_cast<char>(family) + static_cast<char>(body.size() >> 8) +
         static_cast<char>(body.size()) + body;
}
std::string tlv(int type, const std::string& value) {
  return ""s + static_cast<char>(type) + static_cast<char>(value.size() >> 8) + static_cast<char>(value.size()) +
         value;
}
const std::string four = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x30\x39\x01\xbb"s;  // 192.0.2.1:12345 → 192.0.2.2:443
const std::string six = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" + "\x20\x01\x0d\xb8"s +
                        std::string(11, '\0') + "\x02" + "\x30\x39\x01\xbb";

std::string ends(const ProxyReading& reading) {
  return reading.header.source.text() + " > " + reading.header.destination.text();
}

// Complete only with its last byte, and whatever follows is left alone.
void expect_complete(const std::string& header, const std::string& expected) {
  for (std::size_t size = 0; size < header.size(); ++size)
    ASSERT_EQ(read_proxy_header(header.substr(0, size)).state, State::incomplete) << size << ": " << header;
  const ProxyReading reading = read_proxy_header(header + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(reading.state, State::complete) << reading.why << ": " << header;
  EXPECT_EQ(reading.consumed, header.size());
  EXPECT_EQ(reading.header.local ? "local" : ends(reading), expected);
}

void expect_refused(const std::string& header) {
  const ProxyReading reading = read_proxy_header(header);
  EXPECT_EQ(reading.state, State::refused) << header;
  EXPECT_STRNE(reading.why, "");
}

TEST(ProxyV1, IsReadByteByByte) {
  expect_complete("PROXY TCP4 192.0.2.1 192.0.2.2 12345 443\r\n", "192.0.2.1:12345 > 192.0.2.2:443");
  expect_complete("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0 > 255.255.255.255:65535");
  expect_complete("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1 > [::1]:2");
  expect_complete("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1 > [::1]:2");
  expect_complete("PROXY UNKNOWN\r\n", "local");
  expect_complete("PROXY UNKNOWN ffff::1 whatever it says\r\n", "local");
}

TEST(ProxyV1, TakesItsLongestLineAndNotOneByteMore) {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), proxy_v1_bytes_max);
  expect_complete(longest, "local");
  expect_refused("PROXY UNKNOWN " + std::string(92, 'x') + "\r");
  expect_refused("PROXY UNKNOWN " + std::string(93, 'x'));
}

TEST(ProxyV1, IsStrict) {
  for (const char* line : {
           "PROXY TCP4 192.0.2.1 192.0.2.2 12345 65536",
           "PROXY TCP4 192.0.2.1 192.0.2.2 012 443",
           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 443",
           "PROXY TCP4 192.0.2.1 192.0.2.2 +1 443",
           "PROXY TCP4 192.0.2.1 192.0.2.2 12345",
           "PROXY TCP4 192.0.2.1 192.0.2.2 12345 ",
           "PROXY TCP4 192.0.2.1 192.0.2.2 12345 443 ",
           "PROXY TCP4 192.0.2.1 192.0.2.2 12345 443 1",
           "PROXY TCP4  192.0.2.1 192.0.2.2 12345 443",
           "PROXY  TCP4 192.0.2.1 192.0.2.2 12345 443",
           "PROXY TCP4 192.0.2.01 192.0.2.2 12345 443",
           "PROXY TCP4 192.0.2.256 192.0.2.2 12345 443",
           "PROXY TCP4 ::1 192.0.2.2 12345 443",
           "PROXY TCP6 192.0.2.1 192.0.2.2 12345 443",
           "PROXY TCP6 fe80::1%eth0 ::1 1 2",
           "PROXY tcp4 192.0.2.1 192.0.2.2 12345 443",
           "PROXY UDP4 192.0.2.1 192.0.2.2 12345 443",
           "PROXY TCP4",
           "PROXY ",
       })
    expect_refused(line + "\r\n"s);
  expect_refused("PROXY UNKNOWN\n");
  expect_refused("PROXY UNKNOWN\rX");
  expect_refused("PROXY UNKNOWN\0\r\n"s);
  expect_refused("PROXY UNKNOWN \x80\r\n");
}

TEST(ProxyV2, IsReadByteByByte) {
  expect_complete(v2(0x21, 0x11, four), "192.0.2.1:12345 > 192.0.2.2:443");
  expect_complete(v2(0x21, 0x21, six), "[2001:db8::1]:12345 > [2001:db8::2]:443");
  expect_complete(v2(0x20, 0x00, ""), "local");
  expect_complete(v2(0x20, 0x11, four), "local");
  expect_complete(v2(0x20, 0xff, "ignored"), "local");
  expect_complete(v2(0x21, 0x00, ""), "local");
  expect_complete(v2(0x21, 0x31, std::string(216, 'u')), "local");
}

TEST(ProxyV2, KeepsItsTlvs) {
  const std::string tlvs = tlv(0x04, "") + tlv(0x02, "learn.bank.example") + tlv(0xee, std::string(300, 'x'));
  const std::string header = v2(0x21, 0x11, four + tlvs);
  const ProxyReading reading = read_proxy_header(header);
  ASSERT_EQ(reading.state, State::complete);
  EXPECT_EQ(find_proxy_tlv(reading.header.tlvs, 0x02), "learn.bank.example");
  EXPECT_EQ(find_proxy_tlv(reading.header.tlvs, 0x04), "");
  EXPECT_EQ(find_proxy_tlv(reading.header.tlvs, 0xee)->size(), 300u);
  EXPECT_EQ(find_proxy_tlv(reading.header.tlvs, 0x01), std::nullopt);
}

TEST(ProxyV2, TakesItsLongestBodyAndNotOneByteMore) {
  const std::size_t room = proxy_v2_body_max - four.size() - 3;
  expect_complete(v2(0x21, 0x11, four + tlv(0x04, std::string(room, 'x'))), "192.0.2.1:12345 > 192.0.2.2:443");
  expect_refused(v2(0x21, 0x11, four + tlv(0x04, std::string(room + 1, 'x'))).substr(0, 16));
}

TEST(ProxyV2, IsStrict) {
  expect_refused(v2(0x11, 0x11, four));  // version 1 in the binary form
  expect_refused(v2(0x22, 0x11, four));  // a third command
  expect_refused(v2(0x21, 0x41, four));  // a fourth family
  expect_refused(v2(0x21, 0x13, four));  // a third protocol
  expect_refused(v2(0x21, 0x12, four));  // a datagram
  expect_refused(v2(0x21, 0x10, four));  // a family without a protocol
  expect_refused(v2(0x21, 0x01, four));  // a protocol without a family
  expect_refused(v2(0x21, 0x11, four.substr(0, 11)));
  expect_refused(v2(0x21, 0x21, six.substr(0, 35)));
  expect_refused(v2(0x21, 0x31, std::string(215, 'u')));
  expect_refused(v2(0x21, 0x11, four + "\x04"s));
  expect_refused(v2(0x21, 0x11, four + "\x04\x00"s));
  expect_refused(v2(0x21, 0x11, four + "\x04\x00\x01"s));
  expect_refused(v2(0x21, 0x11, four + tlv(0x04, "ok") + "\x04\x00\x02\x01"s));
}

TEST(ProxyV2, AChecksumThatIsThereMustHold) {
  // CRC-32C by RFC 3720 appendix B.4's polynomial, over the header with a zero checksum.
  const auto with_sum = [](const std::string& sum) { return v2(0x21, 0x11, four + tlv(0x03, sum)); };
  const std::string zeroed = with_sum(std::string(4, '\0'));
  std::uint32_t crc = ~0u;
  for (const char c : zeroed) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  std::string sum;
  for (int shift = 24; shift >= 0; shift -= 8) sum += static_cast<char>(crc >> shift);
  expect_complete(with_sum(sum), "192.0.2.1:12345 > 192.0.2.2:443");
  sum[3] = static_cast<char>(sum[3] ^ 1);
  expect_refused(with_sum(sum));
  expect_refused(with_sum(sum.substr(0, 3)));
}

TEST(ProxyProtocol, AnythingElseIsRefusedAtItsFirstWrongByte) {
  expect_refused("G");
  expect_refused("PO");
  expect_refused("PROXX");
  expect_refused("proxy TCP4");
  expect_refused("\r\n\r\nG");
  expect_refused("\x16\x03\x01");
  EXPECT_EQ(read_proxy_header("").state, State::incomplete);
}

TEST(ProxyProtocol, ReadsWhatItWrites) {
  for (const char* source : {"192.0.2.1:1", "[2001:db8::1]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"})
    for (const char* destination : {"255.255.255.255:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"}) {
      const ProxyHeader header{false, *SocketAddress::parse(source), *SocketAddress::parse(destination), {}};
      expect_complete(std::string(write_proxy_v1(header).view()), source + " > "s + destination);
      expect_complete(std::string(write_proxy_v2(header).view()), source + " > "s + destination);
    }
  expect_complete(std::string(write_proxy_v1({.local = true}).view()), "local");
  expect_complete(std::string(write_proxy_v2({.local = true}).view()), "local");
}

TEST(ProxyProtocol, IsWrittenAsTheSpecificationShowsIt) {
  const ProxyHeader header{
      false, *SocketAddress::parse("192.0.2.1:12345"), *SocketAddress::parse("192.0.2.2:443"), {}};
  EXPECT_EQ(write_proxy_v1(header).view(), "PROXY TCP4 192.0.2.1 192.0.2.2 12345 443\r\n");
  EXPECT_EQ(write_proxy_v2(header).view(), v2(0x21, 0x11, four));
  EXPECT_EQ(write_proxy_v1({.local = true}).view(), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(write_proxy_v2({.local = true}).view(), v2(0x20, 0x00, ""));
}

}  // namespace
}  // namespace gatehouse
