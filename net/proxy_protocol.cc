#include "net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>

namespace gatehouse {
namespace {

using State = ProxyReading::State;
using namespace std::string_view_literals;

constexpr std::string_view signature_v1 = "PROXY ";
constexpr std::string_view signature_v2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t v2_start = 16;  // signature, version and command, family and protocol, length
constexpr std::size_t tlv_start = 3;  // type, length
constexpr std::uint8_t tlv_crc32c = 0x03;

ProxyReading refused(const char* why) { return {State::refused, 0, {}, why}; }

std::uint8_t byte_at(std::string_view bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }
std::uint16_t word_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>(byte_at(bytes, i) << 8 | byte_at(bytes, i + 1));
}

// ---- version 1: a line of text ----

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  return port;
}

// The word up to the next space, which is taken too; the last word has none after it.
std::string_view take_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<ProxyHeader> read_line(std::string_view line) {
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return ProxyHeader{.local = true};  // the rest of the line says nothing
  if (family != "TCP4" && family != "TCP6") return std::nullopt;
  const bool six = family == "TCP6";
  const auto read_address = [six](std::string_view word) -> std::optional<IpAddress> {
    if ((word.find(':') != std::string_view::npos) != six) return std::nullopt;
    return IpAddress::parse(word);
  };
  if (std::count(line.begin(), line.end(), ' ') != 3) return std::nullopt;
  const auto source = read_address(take_word(line)), destination = read_address(take_word(line));
  const auto source_port = read_port(take_word(line)), destination_port = read_port(take_word(line));
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  return ProxyHeader{false, {*source, *source_port}, {*destination, *destination_port}, {}};
}

ProxyReading read_v1(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, proxy_v1_bytes_max);
  const auto odd = std::find_if(head.begin(), head.end(), [](char c) { return c < 0x20 || c > 0x7e; });
  const std::size_t end = odd - head.begin();
  if (end == head.size()) return head.size() < proxy_v1_bytes_max ? ProxyReading{} : refused("longer than 107 bytes");
  if (head[end] != '\r') return refused("a control character in the line");
  if (end + 1 == proxy_v1_bytes_max) return refused("longer than 107 bytes");
  if (end + 1 == head.size()) return {};
  if (head[end + 1] != '\n') return refused("CR without LF");
  const auto header = read_line(head.substr(signature_v1.size(), end - signature_v1.size()));
  if (!header) return refused("not an address line of version 1");
  return {State::complete, end + 2, *header, ""};
}

// ---- version 2: binary ----

constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = rest & 1 ? rest >> 1 ^ 0x82f63b78 : rest >> 1;
    table[i] = rest;
  }
  return table;
}();

// Of the header with the four bytes at `sum` taken as zero.
std::uint32_t crc32c(std::string_view header, std::size_t sum) {
  std::uint32_t rest = ~0u;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::uint8_t byte = i - sum < 4 ? 0 : byte_at(header, i);
    rest = rest >> 8 ^ crc32c_table[(rest ^ byte) & 0xff];
  }
  return ~rest;
}

// Null, or what is wrong.
const char* judge_tlvs(std::string_view header, std::size_t first) {
  for (std::size_t at = first; at < header.size();) {
    if (header.size() - at < tlv_start) return "a TLV is cut off";
    const std::size_t size = word_at(header, at + 1);
    if (header.size() - at - tlv_start < size) return "a TLV is longer than the header";
    if (byte_at(header, at) == tlv_crc32c) {
      if (size != 4) return "a checksum that is not 4 bytes long";
      const std::size_t sum = at + tlv_start;
      const std::uint32_t said = std::uint32_t{word_at(header, sum)} << 16 | word_at(header, sum + 2);
      if (said != crc32c(header, sum)) return "the checksum is wrong";
    }
    at += tlv_start + size;
  }
  return nullptr;
}

SocketAddress read_address(std::string_view address, std::string_view port) {
  SocketAddress out{IpAddress::v4(0, 0, 0, 0), word_at(port, 0)};
  std::memcpy(out.ip.bytes.data() + out.ip.bytes.size() - address.size(), address.data(), address.size());
  return out;
}

ProxyReading read_v2(std::string_view bytes) {
  if (bytes.size() > 12 && byte_at(bytes, 12) >> 4 != 2) return refused("neither version 1 nor 2");
  if (bytes.size() > 12 && (byte_at(bytes, 12) & 15) > 1) return refused("an unknown command");
  if (bytes.size() < v2_start) return {};
  const std::size_t body = word_at(bytes, 14);
  if (body > proxy_v2_body_max) return refused("longer than 4112 bytes");
  if (bytes.size() - v2_start < body) return {};
  const std::string_view header = bytes.substr(0, v2_start + body);
  ProxyReading out{State::complete, header.size(), {.local = true}, ""};
  if ((byte_at(bytes, 12) & 15) == 0) return out;  // LOCAL: the rest is to be ignored

  const unsigned family = byte_at(bytes, 13) >> 4, protocol = byte_at(bytes, 13) & 15;
  if (family > 3 || protocol > 2) return refused("an unknown address family or protocol");
  if (protocol == 2) return refused("a datagram on a connection");
  if ((family == 0) != (protocol == 0)) return refused("a family without a protocol");
  constexpr std::size_t addresses_size[] = {0, 12, 36, 216};  // unspecified, IPv4, IPv6, Unix
  if (body < addresses_size[family]) return refused("shorter than its addresses");
  const std::size_t first_tlv = v2_start + addresses_size[family];
  if (const char* why = judge_tlvs(header, first_tlv)) return refused(why);
  out.header.tlvs = header.substr(first_tlv);
  if (family == 0 || family == 3) return out;  // no IP address to tell
  out.header.local = false;
  const std::size_t size = family == 1 ? 4 : 16;
  const std::string_view addresses = header.substr(v2_start), ports = addresses.substr(2 * size);
  out.header.source = read_address(addresses.substr(0, size), ports);
  out.header.destination = read_address(addresses.substr(size, size), ports.substr(2));
  return out;
}

bool both_v4(const ProxyHeader& header) { return header.source.ip.is_v4() && header.destination.ip.is_v4(); }

}  // namespace

ProxyReading read_proxy_header(std::string_view bytes) {
  const auto begins = [&](std::string_view signature) {
    const std::size_t known = std::min(bytes.size(), signature.size());
    return bytes.substr(0, known) == signature.substr(0, known);
  };
  if (begins(signature_v1)) return bytes.size() < signature_v1.size() ? ProxyReading{} : read_v1(bytes);
  if (begins(signature_v2)) return read_v2(bytes);
  return refused("no PROXY protocol header");
}

std::optional<std::string_view> find_proxy_tlv(std::string_view tlvs, std::uint8_t type) {
  while (tlvs.size() >= tlv_start) {
    const std::size_t size = std::min<std::size_t>(word_at(tlvs, 1), tlvs.size() - tlv_start);
    if (byte_at(tlvs, 0) == type) return tlvs.substr(tlv_start, size);
    tlvs.remove_prefix(tlv_start + size);
  }
  return std::nullopt;
}

ProxyBytes write_proxy_v1(const ProxyHeader& header) {
  ProxyBytes out;
  const auto put = [&out](std::string_view text) {
    std::memcpy(out.bytes.data() + out.size, text.data(), text.size());
    out.size += text.size();
  };
  const auto put_number = [&out](unsigned number) {
    char* end = out.bytes.data() + out.bytes.size();
    out.size = std::to_chars(out.bytes.data() + out.size, end, number).ptr - out.bytes.data();
  };
  put(signature_v1);
  if (header.local) return put("UNKNOWN\r\n"), out;
  const bool four = both_v4(header);
  put(four ? "TCP4" : "TCP6");
  for (const SocketAddress* end : {&header.source, &header.destination}) {
    put(!four && end->ip.is_v4() ? " ::ffff:" : " ");
    out.size += end->ip.write(out.bytes.data() + out.size);
  }
  for (const SocketAddress* end : {&header.source, &header.destination}) put(" "), put_number(end->port);
  put("\r\n");
  return out;
}

ProxyBytes write_proxy_v2(const ProxyHeader& header) {
  ProxyBytes out;
  const auto put = [&out](std::initializer_list<int> bytes) {
    for (const int byte : bytes) out.bytes[out.size++] = static_cast<char>(byte);
  };
  std::memcpy(out.bytes.data(), signature_v2.data(), signature_v2.size());
  out.size = signature_v2.size();
  if (header.local) return put({0x20, 0x00, 0, 0}), out;
  const bool four = both_v4(header);
  four ? put({0x21, 0x11, 0, 12}) : put({0x21, 0x21, 0, 36});
  for (const SocketAddress* end : {&header.source, &header.destination}) {
    const std::size_t size = four ? 4 : 16;
    std::memcpy(out.bytes.data() + out.size, end->ip.bytes.data() + 16 - size, size);
    out.size += size;
  }
  for (const SocketAddress* end : {&header.source, &header.destination}) put({end->port >> 8, end->port & 0xff});
  return out;
}

std::string write_proxy_v2(const ProxyHeader& header, std::span<const ProxyTlv> tlvs) {
  constexpr std::size_t length_at = 14;
  const ProxyBytes addresses = write_proxy_v2(header);
  std::string out(addresses.view());
  const auto put = [&out](std::size_t byte) { out += static_cast<char>(byte & 0xff); };
  for (const ProxyTlv& tlv : tlvs) {
    put(tlv.type), put(tlv.value.size() >> 8), put(tlv.value.size());
    out += tlv.value;
  }
  const std::size_t length = out.size() - (length_at + 2);
  out[length_at] = static_cast<char>(length >> 8);
  out[length_at + 1] = static_cast<char>(length & 0xff);
  return out;
}

}  // namespace gatehouse
