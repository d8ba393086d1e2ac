#include "tunnel/log_line.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>

namespace gatehouse::tunnel {
namespace {

class Line {
 public:
  explicit Line(std::span<char> out) : out_(out) {}

  void raw(std::string_view text) {
    const std::size_t some = std::min(text.size(), out_.size() - size_);
    if (some != 0) std::memcpy(out_.data() + size_, text.data(), some);
    size_ += some;
  }
  void key(std::string_view name) {
    raw(size_ == 1 ? "\"" : ",\"");
    raw(name);
    raw("\":");
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    raw("\"");
    for (const char c : value.substr(0, text_bytes_max)) escaped(static_cast<unsigned char>(c));
    if (value.size() > text_bytes_max) raw("...");
    raw("\"");
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    char digits[20];
    raw({digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
  }
  void millis(std::string_view name, std::uint64_t micros) {
    number(name, micros / 1000);
    const char rest[] = {'.', digit(micros / 100), digit(micros / 10), digit(micros)};
    raw({rest, sizeof rest});
  }
  std::size_t size() const { return size_; }

 private:
  static char digit(std::uint64_t value) { return static_cast<char>('0' + value % 10); }
  void escaped(unsigned char c) {
    constexpr char hex[] = "0123456789abcdef";
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      const char plain = static_cast<char>(c);
      return raw({&plain, 1});
    }
    const char code[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    raw({code, sizeof code});
  }

  std::span<char> out_;
  std::size_t size_ = 0;
};

std::string_view rfc3339(WallTime time, std::span<char, 32> out) {
  const auto since = time.time_since_epoch();
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
  const auto millis = std::chrono::duration_cast<Millis>(since).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const std::size_t size = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
  char* at = out.data() + size;
  for (const int divisor : {100, 10, 1}) *at++ = static_cast<char>('0' + millis / divisor % 10);
  *at++ = 'Z';
  return {out.data(), at};
}

}  // namespace

std::size_t write_log_line(const Record& record, std::span<char> out) {
  Line line(out.first(out.size() - 1));
  char time[32];
  line.raw("{");
  line.text("time", rfc3339(record.time, time));
  line.text("event", "tunnel");
  line.text("node", record.node);
  line.text("side", record.side);
  line.text("tunnel", record.tunnel);
  char address[46];
  if (record.client_redacted)
    line.text("client_address", "-");
  else if (record.client_local)
    line.text("client_address", "unix");
  else
    line.text("client_address", {address, record.client.write(address)});
  line.text("identity", record.identity);
  line.text("service", record.service);
  line.text("target", record.target);
  line.text("connection", record.connection);
  line.number("bytes_in", record.bytes_in);
  line.number("bytes_out", record.bytes_out);
  line.millis("duration_ms", record.duration_us);
  if (record.handshake_us != 0) line.millis("handshake_ms", record.handshake_us);
  if (record.connect_us != 0) line.millis("connect_ms", record.connect_us);
  line.number("attempts", record.attempts);
  line.text("termination", name_of(record.end));
  line.text("detail", record.detail);
  line.text("tls_version", record.tls);
  line.raw("}");
  out[line.size()] = '\n';
  return line.size() + 1;
}

}  // namespace gatehouse::tunnel
