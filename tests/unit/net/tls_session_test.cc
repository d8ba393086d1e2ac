#include "net/tls_session.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/unique_fd.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse {
namespace {

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
