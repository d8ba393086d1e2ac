// http_engine.h: what carries an HttpClient's requests: HTTP/1.1, or HTTP/2 over TLS. For http_client_io alone.
#pragma once

#include <memory>

#include "net/http_client_io.h"

namespace gatehouse {

class HttpEngine {
 public:
  virtual ~HttpEngine() = default;
  virtual void send(HttpClientRequest request, Millis within, HttpClient::Done done) = 0;
  virtual void close() = 0;  // ends everything; no callback is called any more
  virtual std::size_t connections() const = 0;
};

std::shared_ptr<HttpEngine> make_http1_engine(asio::io_context& io, HttpClient::Options options);
std::shared_ptr<HttpEngine> make_http2_engine(asio::io_context& io, HttpClient::Options options);

}  // namespace gatehouse
