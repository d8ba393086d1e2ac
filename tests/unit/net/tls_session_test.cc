#include "net/tls_session.h"

#include <optional>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/tls_policy.h"
#include "net/unique_fd.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse {
namespace {

// A server's session and a client of plain OpenSSL, joined by a socket pair, behind their handshake.
struct Ends {
  // `replayed`: what the client says first is read off the socket before the session begins.
  explicit Ends(int version = TLS1_3_VERSION, bool replayed = false) {
    SSL_set_max_proto_version(theirs.get(), version);
    const CertificatePtr pair = test::make_certificate();
    SslPtr ours(SSL_new(context.get()));
    use_certificate(ours.get(), *pair);
    SSL_set_accept_state(ours.get());
    SSL_set_connect_state(theirs.get());
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    other = UniqueFd(fds[1]);
    EXPECT_TRUE(socket.open(loop, fds[0]));
    SSL_set_fd(theirs.get(), other.get());
    session.emplace(std::move(ours), socket);
    if (replayed) replay();
    for (int turn = 0; turn < 8; ++turn) {
      wake();
      session->handshake();
      SSL_do_handshake(theirs.get());
    }
    EXPECT_TRUE(SSL_is_init_finished(theirs.get()));
  }
  void replay() {
    SSL_do_handshake(theirs.get());
    wake();
    Buffer first = buffers.take();
    const IoResult got = socket.receive(first.data(), first.room());
    ASSERT_TRUE(got.ok());
    first.grew(got.size);
    session->replay(std::move(first));
    EXPECT_TRUE(session->has_buffered_input());
  }
  void wake() { socket.on_events(EPOLLIN | EPOLLOUT); }

  static SslCtxPtr make_context() {
    SslCtxPtr made(SSL_CTX_new(TLS_method()));
    apply_tls_policy(made.get());
    return made;
  }
  const SslCtxPtr context = make_context();
  const SslPtr theirs{SSL_new(context.get())};
  Loop loop;
  BufferPool buffers;
  UniqueFd other;
  Socket socket;
  std::optional<TlsSession> session;
};

TEST(TlsSession, WhatWasReadBeforeItIsReplayed) {
  Ends ends(TLS1_3_VERSION, true);
  EXPECT_EQ(ends.buffers.bytes_out(), 0u) << "the slab goes back";
  EXPECT_FALSE(ends.session->has_buffered_input());
  ASSERT_EQ(SSL_write(ends.theirs.get(), "hello", 5), 5);
  ends.wake();
  char got[16];
  const IoResult result = ends.session->receive(got, sizeof got);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(std::string(got, result.size), "hello");
}

TEST(TlsSession, AFewRecordsWithoutDataAreRead) {
  Ends ends;
  char bytes[16];
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(SSL_key_update(ends.theirs.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(ends.theirs.get()), 1);
    }
    ASSERT_EQ(SSL_write(ends.theirs.get(), "word", 4), 4);
    ends.wake();
    const IoResult got = ends.session->receive(bytes, sizeof bytes);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(std::string_view(bytes, got.size), "word");
  }
}

TEST(TlsSession, AFloodOfRecordsWithoutDataEndsIt) {
  Ends ends;
  char bytes[16];
  IoResult got{IoResult::State::again};
  for (int turn = 0; turn < 100 && got.again(); ++turn) {
    ASSERT_EQ(SSL_key_update(ends.theirs.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ends.theirs.get()), 1);
    ends.wake();
    got = ends.session->receive(bytes, sizeof bytes);
  }
  EXPECT_EQ(got.state, IoResult::State::failed);
  EXPECT_EQ(ends.session->error_text(), "too many records without data");
}

TEST(TlsSession, AnEndThatComesWithTheLastDataIsToldAfterIt) {
  Ends ends;
  char bytes[16];
  ASSERT_EQ(SSL_write(ends.theirs.get(), "word", 4), 4);
  ASSERT_EQ(SSL_shutdown(ends.theirs.get()), 0);
  ends.wake();
  const IoResult data = ends.session->receive(bytes, sizeof bytes);
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(std::string_view(bytes, data.size), "word");
  EXPECT_TRUE(ends.session->has_buffered_input()) << "nobody would ask again before the FIN";
  EXPECT_EQ(ends.session->receive(bytes, sizeof bytes).state, IoResult::State::ended);
}

TEST(TlsSession, ARequestToRenegotiateEndsIt) {
  Ends ends(TLS1_2_VERSION);
  SSL_clear_options(ends.theirs.get(), SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(ends.theirs.get()), 1);
  SSL_do_handshake(ends.theirs.get());  // sends its hello
  ends.wake();
  char bytes[16];
  EXPECT_EQ(ends.session->receive(bytes, sizeof bytes).state, IoResult::State::failed);
  EXPECT_EQ(ends.session->error_text(), "a renegotiation was asked for");
}

TEST(TlsSession, WhatItsSocketDoesNotTakeIsCountedAsLongAsItIsKept) {
  const CertificatePtr pair = test::make_certificate();
  const SslCtxPtr context(SSL_CTX_new(TLS_method()));
  SslPtr ours(SSL_new(context.get()));
  const SslPtr theirs(SSL_new(context.get()));
  ASSERT_TRUE(use_certificate(ours.get(), *pair));
  SSL_set_accept_state(ours.get());
  SSL_set_connect_state(theirs.get());

  Loop loop;
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  const UniqueFd other(fds[1]);
  Socket socket;
  ASSERT_TRUE(socket.open(loop, fds[0]));
  SSL_set_fd(theirs.get(), other.get());
  {
    TlsSession session(std::move(ours), socket);
    for (int turn = 0; turn < 8; ++turn) {
      socket.on_events(EPOLLIN | EPOLLOUT);
      session.handshake();
      SSL_do_handshake(theirs.get());
    }
    ASSERT_TRUE(SSL_is_init_finished(theirs.get()));
    const std::string bytes(60 << 10, 'x');
    for (int turn = 0; turn < 100 && !session.pending(); ++turn) session.send(bytes.data(), bytes.size());
    ASSERT_TRUE(session.pending());
    const std::size_t kept = TlsSession::bytes_pending();
    EXPECT_GT(kept, 0u);
    EXPECT_LT(kept, 2 * bytes.size());
    std::string sink(1 << 16, 0);
    while (session.pending()) {
      while (SSL_read(theirs.get(), sink.data(), static_cast<int>(sink.size())) > 0) {
      }
      socket.on_events(EPOLLIN | EPOLLOUT);
      session.flush();
    }
    EXPECT_EQ(TlsSession::bytes_pending(), 0u);
    for (int turn = 0; turn < 100 && !session.pending(); ++turn) session.send(bytes.data(), bytes.size());
    EXPECT_GT(TlsSession::bytes_pending(), 0u);
  }
  EXPECT_EQ(TlsSession::bytes_pending(), 0u);
}

}  // namespace
}  // namespace gatehouse
