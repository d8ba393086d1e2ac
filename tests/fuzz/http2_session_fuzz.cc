// Whatever a client sends, cut anywhere: the session keeps within its bounds, what it makes of a request is read by
// the parser of HTTP/1.1 as one request or refused, and no stream outlives it. The first byte chooses how bytes are
// cut and what streams do.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http/parse.h"
#include "proxy/http2/server_session.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using namespace gatehouse::http2;

namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-a: b\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes",
};

struct Stream final : ServerStream {
  using ServerStream::ServerStream;
  bool begun = false;
};

struct Owner final : SessionOwner {
  explicit Owner(std::uint8_t how) : choice(how), session(*this, buffers, limits()) {}

  static SessionLimits limits() {
    SessionLimits out;
    out.streams_max = 8;
    out.odd_events_max = 100;
    return out;
  }
  ServerStream* open_stream(std::int32_t id) override {
    if (streams.size() >= 16) return nullptr;
    streams.push_back(std::make_unique<Stream>(session, id));
    return streams.back().get();
  }
  void head_complete(ServerStream& stream) override { static_cast<Stream&>(stream).begun = true; }
  void work_to_send() override {}
  void windows_opened() override {
    for (const auto& stream : streams)
      if (stream) stream->windows_opened();
  }
  std::string_view websocket_key() override { return "AAAAAAAAAAAAAAAAAAAAAA=="; }

  void judge_head(Stream& stream) {
    Buffer text = stream.request.take();
    if (stream.request.refusal() != 0) return;
    http::RequestHead head;
    const http::ParseState state = http::parse_request_head(text.view(), {60 << 10, 60 << 10, 128}, head);
    REQUIRE(state != http::ParseState::incomplete);
    REQUIRE(state == http::ParseState::refused || head.size == text.size());
  }
  void read_body(Stream& stream) {
    static char bytes[16 << 10];
    for (;;) {
      const IoResult got = stream.receive(bytes, sizeof bytes);
      REQUIRE(got.size <= sizeof bytes);
      if (!got.ok()) return;
    }
  }
  void serve() {
    std::vector<std::unique_ptr<Stream>> left;
    for (auto& stream : streams) {
      if (stream->begun) {
        judge_head(*stream);
        stream->begun = false;
        const std::string_view answer = answers[choice >> 6 & 3];
        if ((choice & 32) == 0) stream->send(answer.data(), answer.size());
        if (choice & 16) stream->reset();
      }
      read_body(*stream);
      if (!stream->closed()) left.push_back(std::move(stream));
    }
    streams = std::move(left);
  }
  void flush() {
    for (;;) {
      Buffer out = buffers.take(BufferPool::large);
      session.fill(out);
      if (out.empty()) return;
    }
  }

  const std::uint8_t choice;
  BufferPool buffers;
  ServerSession session;
  std::vector<std::unique_ptr<Stream>> streams;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes = std::string(preface) + std::string(reinterpret_cast<const char*>(data + 1), size - 1);
  Owner owner(data[0]);
  const std::size_t piece = std::size_t{1} << ((data[0] & 15) + 2);
  std::uint64_t now = 1;
  for (std::size_t at = 0; at < bytes.size(); at += piece, ++now) {
    const bool good = owner.session.receive(std::string_view(bytes).substr(at, piece), now);
    owner.serve();
    owner.flush();
    REQUIRE(owner.buffers.bytes_out() < std::size_t{4} << 20);
    if (!good || owner.session.over()) break;
  }
  owner.streams.clear();
  owner.flush();
  REQUIRE(owner.buffers.bytes_out() == 0);
  return 0;
}
