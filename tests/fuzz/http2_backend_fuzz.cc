// A backend of HTTP/2 that says anything: what its streams give on is an answer of HTTP/1.1 that our strict parser
// takes, or no whole answer at all; memory is bounded by windows; nothing is left when all have gone.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/chunked.h"
#include "proxy/http/parse.h"
#include "proxy/http2/backend_session.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using http2::BackendSession;
using http2::BackendStream;

namespace {

struct Owner : BackendSession::Owner {
  void has_output() override {}
};

struct Asked {
  std::unique_ptr<BackendStream> stream;
  bool to_head;
  std::string got;
  bool ended = false;
};

void drain(BackendSession& session, BufferPool& buffers) {
  for (;;) {
    Buffer out = buffers.take(BufferPool::large);
    session.pull(out);
    if (out.empty()) return;
  }
}

void read(Asked& asked, std::size_t piece) {
  char room[4096];
  for (;;) {
    const IoResult result = asked.stream->receive(room, piece);
    asked.ended = asked.ended || result.state == IoResult::State::ended;
    if (!result.ok()) return;
    asked.got.append(room, result.size);
  }
}

// A whole answer is well-formed, and ends where it says.
void judge(Asked& asked) {
  std::string_view rest = asked.got;
  constexpr http::HeadLimits limits{16 << 10, 64 << 10, http::fields_capacity};
  for (;;) {
    http::ResponseHead head;
    const http::ParseState state = http::parse_response_head(rest, limits, asked.to_head, head);
    if (state == http::ParseState::refused) {
      // Within the bytes that HTTP/2 may bring there are more fields than we take.
      REQUIRE(std::string_view(head.refusal.reason).find("too ") != std::string_view::npos);
      return;
    }
    if (state == http::ParseState::incomplete) {
      REQUIRE(!asked.ended);
      return;
    }
    rest.remove_prefix(head.size);
    if (head.interim()) continue;
    REQUIRE(head.body != http::Framing::until_close);
    if (head.body == http::Framing::chunked) {
      std::string body(rest);
      http::ChunkedBody chunks;
      const auto fed = chunks.feed(body.data(), body.size());
      const bool odd_trailer =
          fed.fault != nullptr && std::string_view(fed.fault).find("trailer") != std::string_view::npos;
      REQUIRE(fed.fault == nullptr || odd_trailer);
      REQUIRE(!asked.ended || fed.done || odd_trailer);
      return;
    }
    const std::uint64_t length = head.body == http::Framing::length ? head.content_length : 0;
    REQUIRE(rest.size() <= length);
    REQUIRE(!asked.ended || rest.size() == length);
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::uint32_t window = 16 << 10;
  BufferPool buffers;
  Owner owner;
  BackendSession session(buffers, {.streams_max = 4, .window = window}, "http", owner);
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = 1 + (data[0] & 0x7f), read_piece = 1 + data[1];
  bytes.remove_prefix(2);
  session.feed(std::string_view("\0\0\0\x04\0\0\0\0\0", 9), 1);  // its SETTINGS
  std::vector<Asked> all;
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"}) {
    all.push_back({std::make_unique<BackendStream>(session), request.starts_with("HEAD"), {}});
    all.back().stream->send(request.data(), request.size());
  }
  drain(session, buffers);
  std::uint64_t now = 1;
  while (!bytes.empty() && session.broken().empty()) {
    session.feed(bytes.substr(0, piece), ++now);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    REQUIRE(buffers.bytes_out() <= 4 * (2 * http2::answer_head_bytes_max + window + 3 * BufferPool::large));
    if (now % 3 == 0)
      for (Asked& each : all) read(each, read_piece);
    drain(session, buffers);
  }
  for (Asked& each : all) {
    read(each, read_piece);
    judge(each);
  }
  all.clear();
  drain(session, buffers);
  REQUIRE(session.broken().empty() ? session.in_use() == 0 : true);
  return 0;
}
