// http_client_io.h: a small HTTP client of the control plane: requests to one server, by TCP or a Unix socket.
//   Without TLS it speaks HTTP/1.1: a connection carries one request at a time. With TLS it speaks HTTP/2: hundreds
//   of requests share a connection; or HTTP/1.1, which every server knows. Connections are kept; a kept one that
//   turns out dead is replaced once. Each request has a deadline for everything, from waiting for a connection to the
//   answer's last byte.
//   Threads  the io_context's (control). Destroying the client ends what is under way; its callbacks aren't called.
//   Limits   connections_most at once, the rest waits in order; an answer's head 16 KiB, its body body_most.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/asio.h"
#include "net/clock.h"
#include "net/http_place.h"
#include "net/result.h"
#include "net/tls_client_context.h"

namespace gatehouse {

struct HttpClientReply {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::string_view field(std::string_view name) const;  // in any case of letters; "" if it isn't there
};

struct HttpClientRequest {
  std::string method = "GET", target;
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

class HttpEngine;

class HttpClient {
 public:
  using TlsSource = std::function<Result<std::shared_ptr<const TlsClientPolicy>>()>;
  struct Options {
    HttpPlace place;
    std::size_t connections_most = 150;
    std::size_t body_most = 64 << 20;
    TlsSource tls{};         // needed where the place says TLS; asked for each connection
    std::string tls_name{};  // whom the certificate must name; empty: the place's host
    bool http1 = false;      // over TLS, too
  };
  using Done = std::function<void(Result<HttpClientReply>)>;

  HttpClient(asio::io_context& io, Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(HttpClientRequest request, Millis within, Done done);
  std::size_t connections() const;  // open ones, idle or busy

 private:
  std::shared_ptr<HttpEngine> engine_;
};

}  // namespace gatehouse
