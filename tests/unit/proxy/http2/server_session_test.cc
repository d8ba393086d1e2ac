#include "proxy/http2/server_session.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::http2 {
namespace {

using namespace std::string_literals;

struct Stream final : ServerStream {
  using ServerStream::ServerStream;
};

std::string frame(int type, int flags, std::int32_t id, const std::string& payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(id >> shift);
  return out + payload;
}

struct Seen {
  int type = 0;
  std::int32_t stream = 0;
  bool operator==(const Seen&) const = default;
};

// A client that says what it is told to, of whom one stream is served.
struct Connection final : SessionOwner {
  explicit Connection(const std::string& settings) : session(*this, buffers, {}) {
    say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, settings));
    sent();
    // GET http / of "a", all from the static table but the authority.
    say(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, "\x82\x86\x84\x41\x01"s + "a"));
  }
  ~Connection() { stream.reset(); }

  ServerStream* open_stream(std::int32_t id) override {
    stream = std::make_unique<Stream>(session, id);
    return stream.get();
  }
  void head_complete(ServerStream&) override {}
  void work_to_send() override {}
  void windows_opened() override {
    if (stream) stream->windows_opened();
  }
  std::string_view websocket_key() override { return "AAAAAAAAAAAAAAAAAAAAAA=="; }

  void say(const std::string& bytes) { session.receive(bytes, 0); }
  IoResult answer(std::string_view text) { return stream->send(text.data(), text.size()); }
  // Frames that leave now, but for those of the connection.
  std::vector<Seen> sent() {
    Buffer out = buffers.take(BufferPool::large);
    session.fill(out);
    std::vector<Seen> seen;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(out.view()[at]); };
    for (std::size_t at = 0; at + 9 <= out.size();) {
      const Seen each{byte(at + 3), byte(at + 7) << 8 | byte(at + 8)};
      if (each.stream != 0) seen.push_back(each);
      last_code = byte(at + 9 + 3 < out.size() ? at + 9 + 3 : at);
      at += 9 + (byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2));
    }
    return seen;
  }

  BufferPool buffers;
  ServerSession session;
  std::unique_ptr<Stream> stream;
  unsigned last_code = 0;  // of a last frame that is RST_STREAM
};

const std::string no_window = "\0\x04\0\0\0\0"s;
constexpr std::string_view half_an_answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
constexpr std::string_view an_answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

TEST(ServerSession, AnAnswerThatBreaksOffHasItsHeadBeforeTheReset) {
  for (const std::string& settings : {std::string(), no_window}) {
    Connection client(settings);
    client.answer(half_an_answer);
    static_cast<Lane&>(*client.stream).reset();
    EXPECT_TRUE(client.stream->head_waits());
    EXPECT_EQ(client.sent(), (std::vector<Seen>{{NGHTTP2_HEADERS, 1}, {NGHTTP2_RST_STREAM, 1}}));
    EXPECT_EQ(client.last_code, unsigned{NGHTTP2_INTERNAL_ERROR});
    EXPECT_FALSE(client.stream->head_waits());
    EXPECT_TRUE(client.stream->closed());
  }
}

TEST(ServerSession, AnInterimHeadIsNoReasonToResetBeforeTheFinalOne) {
  Connection client("");
  client.answer("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
  client.answer(half_an_answer);
  static_cast<Lane&>(*client.stream).reset();
  EXPECT_EQ(client.sent(), (std::vector<Seen>{{NGHTTP2_HEADERS, 1}, {NGHTTP2_HEADERS, 1}, {NGHTTP2_RST_STREAM, 1}}));
}

TEST(ServerSession, WhereNoHeadWaitsAResetGoesAtOnce) {
  Connection client("");
  static_cast<Lane&>(*client.stream).reset();
  EXPECT_EQ(client.sent(), (std::vector<Seen>{{NGHTTP2_RST_STREAM, 1}}));
  EXPECT_EQ(client.last_code, unsigned{NGHTTP2_CANCEL});
}

// Its answer is whole, and waits for a client that reads nothing: it would be kept as long as that.
TEST(ServerSession, AStreamThatItsClientLeavesWithoutAnErrorIsOverToo) {
  Connection client("");
  client.answer(an_answer);
  EXPECT_TRUE(client.stream->answer_whole());
  EXPECT_FALSE(client.stream->failed());
  client.say(frame(NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\0"s));
  EXPECT_TRUE(client.stream->failed());
}

TEST(ServerSession, AnAnswerThatIsGoneIsNoFailure) {
  Connection client("");
  client.answer(an_answer);
  client.sent();
  EXPECT_TRUE(client.stream->answer_gone());
  EXPECT_TRUE(client.stream->closed());
  EXPECT_FALSE(client.stream->failed());
}

}  // namespace
}  // namespace gatehouse::http2
