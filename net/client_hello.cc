#include "net/client_hello.h"

#include <algorithm>
#include <array>

#include "net/server_name.h"

namespace gatehouse {
namespace {

using State = ClientHelloReading::State;

constexpr std::uint8_t handshake_record = 22, client_hello_message = 1;
constexpr std::uint16_t server_name_extension = 0;
constexpr std::size_t record_head = 5, record_bytes_max = 16384;  // of a plaintext: RFC 8446 5.1
constexpr std::size_t random_bytes = 32, session_id_bytes_max = 32;
constexpr std::size_t extension_bytes_max = 512;  // of a server_name that is read

// The bytes of handshake messages, out of the records that they came in. What isn't there yet, or is no handshake,
// ends the reading: `state` tells which.
class Handshake {
 public:
  explicit Handshake(std::string_view bytes) : bytes_(bytes.substr(0, client_hello_bytes_max)) {}

  std::size_t number(unsigned size) {
    std::size_t value = 0;
    while (size-- > 0) value = value << 8 | byte();
    return value;
  }
  void skip(std::size_t size) {
    while (size > 0 && next_record()) {
      const std::size_t step = std::min(size, std::min(in_record_, bytes_.size() - at_));
      if (step == 0) return run_out();
      advance(step);
      size -= step;
    }
  }
  void copy(char* to, std::size_t size) {
    while (size-- > 0) *to++ = static_cast<char>(byte());
  }
  void refuse() { state_ = State::refused; }
  bool going() const { return state_ == State::complete; }
  State state() const { return state_; }
  std::size_t taken() const { return taken_; }  // bytes of messages so far

 private:
  std::uint8_t byte() {
    if (!next_record()) return 0;
    if (at_ == bytes_.size()) return run_out(), 0;
    const auto value = static_cast<std::uint8_t>(bytes_[at_]);
    advance(1);
    return value;
  }
  void advance(std::size_t size) { at_ += size, in_record_ -= size, taken_ += size; }
  void run_out() { state_ = bytes_.size() == client_hello_bytes_max ? State::refused : State::incomplete; }
  // Stands in a record with bytes of the message, after this. False: there is none.
  bool next_record() {
    if (!going()) return false;
    if (in_record_ > 0) return true;
    const auto value = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes_[at_ + i]); };
    const std::size_t there = bytes_.size() - at_;
    const bool wrong = (there > 0 && value(0) != handshake_record) || (there > 1 && value(1) != 3);
    if (wrong) return refuse(), false;
    if (there < record_head) return run_out(), false;
    in_record_ = static_cast<std::size_t>(value(3)) << 8 | value(4);
    at_ += record_head;
    if (in_record_ == 0 || in_record_ > record_bytes_max) refuse();
    return going();
  }

  std::string_view bytes_;
  std::size_t at_ = 0, in_record_ = 0, taken_ = 0;
  State state_ = State::complete;
};

std::optional<HostName> read_name(Handshake& hello, std::size_t size) {
  std::array<char, extension_bytes_max> extension;
  if (size > extension.size()) return hello.refuse(), std::nullopt;
  hello.copy(extension.data(), size);
  return hello.going() ? read_server_name({extension.data(), size}) : std::nullopt;
}

}  // namespace

ClientHelloReading read_client_hello(std::string_view bytes) {
  ClientHelloReading out;
  Handshake hello(bytes);
  if (hello.number(1) != client_hello_message && hello.going()) hello.refuse();
  const std::size_t size = hello.number(3);
  if (hello.going() && size > client_hello_bytes_max) hello.refuse();
  const std::size_t end = hello.taken() + size;
  hello.skip(2 + random_bytes);  // version, random
  const std::size_t session_id = hello.number(1);
  if (session_id > session_id_bytes_max) hello.refuse();
  hello.skip(session_id);
  hello.skip(hello.number(2));  // cipher suites
  hello.skip(hello.number(1));  // compression methods
  bool named = false;
  if (hello.going() && hello.taken() < end) {
    const std::size_t extensions = hello.number(2);
    if (hello.going() && hello.taken() + extensions != end) hello.refuse();
  }
  while (hello.going() && hello.taken() < end) {
    const std::size_t type = hello.number(2), length = hello.number(2);
    if (hello.going() && hello.taken() + length > end) hello.refuse();
    if (type != server_name_extension || !hello.going()) {
      hello.skip(length);
      continue;
    }
    if (named) hello.refuse();  // RFC 8446 4.2: one of a type
    named = true;
    out.server_name = read_name(hello, length);
  }
  if (hello.going() && hello.taken() != end) hello.refuse();
  out.state = hello.state();
  if (out.state != State::complete) out.server_name.reset();
  return out;
}

}  // namespace gatehouse
