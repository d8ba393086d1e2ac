// client.h: one blocking connection of a load tool to a port on loopback, in the clear or under TLS 1.3.
//   Limits   every connect, send and receive ends after io_seconds.
//   TLS      offers one cipher suite (AES-128-GCM) and one group, so that every proxy does the same work; resumes
//            nothing; verifies nothing, for the certificate was made a minute ago by the one who measures.
//   Failure  false, or a count of 0 or less. The tools count it; they never explain it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gatehouse::bench {

inline constexpr int io_seconds = 10;
inline constexpr std::string_view host = "localhost";

class TlsContext {
 public:
  explicit TlsContext(const char* group) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(get(), TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(get(), SSL_MODE_RELEASE_BUFFERS);
    usable_ =
        SSL_CTX_set_ciphersuites(get(), "TLS_AES_128_GCM_SHA256") == 1 && SSL_CTX_set1_groups_list(get(), group) == 1;
  }

  // A bulk reader takes many records from the kernel at once.
  void read_ahead(std::size_t bytes) {
    SSL_CTX_set_read_ahead(get(), 1);
    SSL_CTX_set_default_read_buffer_len(get(), bytes);
  }

  bool usable() const { return usable_; }
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  bool usable_ = false;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A connected socket, or -1. Nagle is off, as browsers have it.
inline int connect_loopback(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const timeval limit{io_seconds, 0};
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const sockaddr_in to = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

class Connection {
 public:
  // `tls` null: in the clear. It must outlive the connection.
  Connection(std::uint16_t port, const TlsContext* tls) : fd_(connect_loopback(port)), tls_(nullptr, SSL_free) {
    open_ = fd_ >= 0 && (!tls || handshake(*tls));
  }
  Connection(Connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)), open_(other.open_) {}
  Connection& operator=(Connection&&) = delete;
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }

  bool open() const { return open_; }

  bool send(std::string_view text) {
    if (tls_) return SSL_write(tls_.get(), text.data(), static_cast<int>(text.size())) > 0;
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  ssize_t receive(char* to, std::size_t room) {
    if (tls_) return SSL_read(tls_.get(), to, static_cast<int>(room));
    return recv(fd_, to, room, 0);
  }

  // As receive, but what arrives in the clear is dropped in the kernel: the reader must not be what is measured.
  ssize_t discard(char* to, std::size_t room) {
    return tls_ ? receive(to, room) : recv(fd_, nullptr, room, MSG_TRUNC);
  }

 private:
  bool handshake(const TlsContext& tls) {
    tls_.reset(SSL_new(tls.get()));
    SSL_set_fd(tls_.get(), fd_);
    SSL_set_tlsext_host_name(tls_.get(), host.data());
    return SSL_connect(tls_.get()) == 1;
  }

  int fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  bool open_ = false;
};

}  // namespace gatehouse::bench
