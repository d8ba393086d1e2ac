#include "proxy/probe/resp.h"

#include <charconv>
#include <optional>

namespace gatehouse::pool {
namespace {

using State = RedisAnswer::State;

constexpr std::size_t line_bytes_max = 512;
constexpr std::size_t told_bytes_max = 120;

RedisAnswer critical(std::string what) { return {State::critical, "Redis: " + std::move(what)}; }

// Reads on from where it stands; what isn't whole yet is nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  // A line without its CR LF.
  std::optional<std::string_view> line() {
    const std::size_t end = rest_.substr(0, line_bytes_max + 2).find("\r\n");
    if (end == std::string_view::npos) {
      broken_ = rest_.size() > line_bytes_max + 1;
      return std::nullopt;
    }
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return out;
  }
  // "+text", or "$4" and a line with so many bytes.
  std::optional<std::string_view> text() {
    const std::optional<std::string_view> head = line();
    if (!head) return std::nullopt;
    if (head->starts_with('+')) return head->substr(1);
    const std::optional<std::string_view> body = head->starts_with('$') ? line() : std::nullopt;
    broken_ = broken_ || !head->starts_with('$') || (body && std::to_string(body->size()) != head->substr(1));
    return broken_ ? std::nullopt : body;
  }
  bool broken() const { return broken_; }  // nothing to wait for

 private:
  std::string_view rest_;
  bool broken_ = false;
};

// A server's own words, for a line in `status`.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, told_bytes_max));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

RedisAnswer nothing_yet(const Reader& reader) {
  return reader.broken() ? critical("the answer is not its protocol") : RedisAnswer{};
}

}  // namespace

std::string_view redis_request(bool master) { return master ? "*1\r\n$4\r\nROLE\r\n" : "*1\r\n$4\r\nPING\r\n"; }

RedisAnswer read_redis_answer(std::string_view bytes, bool master) {
  bytes = bytes.substr(0, resp_answer_bytes_max);
  Reader reader(bytes);
  if (bytes.starts_with('-')) {
    const std::optional<std::string_view> error = reader.line();
    if (!error) return nothing_yet(reader);
    // It lives and serves; only that we have no password. What it is can't be known so.
    if (!master && error->starts_with("-NOAUTH")) return {State::passing, "Redis: wants a password"};
    return critical(printable(error->substr(1)));
  }
  if (master && bytes.starts_with('*')) {
    const std::optional<std::string_view> count = reader.line();
    if (count && (*count == "*0" || *count == "*-1")) return critical("the answer is not its protocol");
    if (!count) return nothing_yet(reader);
  }
  const std::optional<std::string_view> text = reader.text();
  if (!text) return nothing_yet(reader);
  const bool good = *text == (master ? "master" : "PONG");
  if (good) return {State::passing, master ? "Redis: the master" : "Redis: PONG"};
  return critical((master ? "is a " : "answers ") + printable(*text));
}

}  // namespace gatehouse::pool
