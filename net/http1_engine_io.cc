// HTTP/1.1, with TLS where the place says so: a connection carries one request at a time and is kept for the next.
#include <algorithm>
#include <deque>
#include <optional>

#include "net/asio.h"
#include "net/asio_tls.h"
#include "net/beast.h"
#include "net/http_engine.h"

namespace gatehouse {
namespace {

namespace bhttp = beast::http;
using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t head_most = 16 << 10;
constexpr std::uint16_t https_port = 443;
constexpr Millis idle_most = 30s;  // before Consul's own servers close it

Error failure(const ErrorCode& error) {
  if (error == beast::error::timeout) return Error{Errc::timed_out, "no answer in time"};
  if (error == asio::error::connection_refused) return Error{Errc::refused, error.message()};
  return Error{Errc::io, error == bhttp::error::end_of_stream ? "closed without an answer" : error.message()};
}

std::string host_field(const HttpPlace& place) {
  if (place.host.empty()) return "localhost";
  const bool plain = !place.tls || place.port == https_port;
  const std::string host = place.tls && place.host.find(':') != place.host.npos ? "[" + place.host + "]" : place.host;
  return plain ? host : host + ":" + std::to_string(place.port);
}

// Lives until its last operation has ended; what is closed calls nobody.
class Http1Engine final : public HttpEngine, public std::enable_shared_from_this<Http1Engine> {
 public:
  Http1Engine(asio::io_context& io, HttpClient::Options options)
      : io_(io), resolver_(io), options_(std::move(options)) {}

  void send(HttpClientRequest request, Millis within, HttpClient::Done done) override {
    auto job = std::make_shared<Job>(io_);
    job->request.method_string(request.method);
    job->request.target(request.target);
    job->request.version(11);
    job->request.set(bhttp::field::host, host_field(options_.place));
    job->request.set(bhttp::field::user_agent, "gatehouse");
    for (const auto& [name, value] : request.fields) job->request.set(name, value);
    job->request.body() = std::move(request.body);
    job->request.prepare_payload();
    job->deadline = std::chrono::steady_clock::now() + within;
    job->done = std::move(done);
    waiting_.push_back(job);
    bound_the_wait(job);
    serve_waiting();
  }

  void close() override {
    closed_ = true;
    for (const JobPtr& job : std::exchange(waiting_, {})) job->overdue.cancel();
    resolver_.cancel();
    for (const auto& connection : open_) connection->stream.close();
    open_.clear();
    idle_.clear();
  }

  std::size_t connections() const override { return open_.size(); }

 private:
  struct Job {
    explicit Job(asio::io_context& io) : overdue(io) {}
    bhttp::request<bhttp::string_body> request;
    std::chrono::steady_clock::time_point deadline;
    HttpClient::Done done;
    asio::steady_timer overdue;  // while it waits for a connection, or for an address
    bool on_kept = false;        // its connection carried another before
    bool resolving = false;      // the name of whom it is for
  };
  using JobPtr = std::shared_ptr<Job>;

  struct Connection {
    explicit Connection(asio::io_context& io) : stream(io) {}
    using Stream = beast::basic_stream<Protocol>;
    Stream stream;
    std::optional<asio::ssl::stream<Stream&>> tls;
    beast::flat_buffer buffer;
    std::optional<bhttp::response_parser<bhttp::string_body>> parser;
    std::chrono::steady_clock::time_point idle_since;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  void serve_waiting() {
    while (!waiting_.empty() && !closed_) {
      if (const ConnectionPtr kept = take_idle()) {
        JobPtr job = take_job();
        job->on_kept = true;
        write(kept, std::move(job));
      } else if (open_.size() < options_.connections_most) {
        open_.push_back(std::make_shared<Connection>(io_));
        connect(open_.back(), take_job());
      } else {
        return;
      }
    }
  }

  void bound_the_wait(const JobPtr& job) {
    job->overdue.expires_at(job->deadline);
    job->overdue.async_wait([self = shared_from_this(), job](const ErrorCode& error) {
      if (!error && !self->closed_ && std::erase(self->waiting_, job) != 0) job->done(failure(beast::error::timeout));
    });
  }

  JobPtr take_job() {
    JobPtr job = std::move(waiting_.front());
    waiting_.pop_front();
    job->overdue.cancel();
    job->on_kept = false;
    return job;
  }

  ConnectionPtr take_idle() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle_.empty()) {
      ConnectionPtr connection = std::move(idle_.back());
      idle_.pop_back();
      if (now - connection->idle_since < idle_most) return connection;
      drop(connection);
    }
    return nullptr;
  }

  void drop(const ConnectionPtr& connection) {
    connection->stream.close();
    std::erase(open_, connection);
  }

  void connect(const ConnectionPtr& connection, JobPtr job) {
    connection->stream.expires_at(job->deadline);
    const HttpPlace& place = options_.place;
    if (!place.socket.empty())
      return connect_to({asio::local::stream_protocol::endpoint(place.socket)}, connection, std::move(job));
    ErrorCode error;
    const auto address = asio::ip::make_address(place.host, error);
    if (!error) return connect_to({asio::ip::tcp::endpoint(address, place.port)}, connection, std::move(job));
    job->resolving = true;
    bound_the_resolving(connection, job);
    resolver_.async_resolve(place.host, std::to_string(place.port),
                            [self = shared_from_this(), connection, job](const ErrorCode& failed, const auto& found) {
                              job->overdue.cancel();
                              if (self->closed_ || !std::exchange(job->resolving, false)) return;
                              if (failed) return self->fail(connection, job, failed);
                              std::vector<Protocol::endpoint> endpoints;
                              for (const auto& each : found) endpoints.push_back(each.endpoint());
                              self->connect_to(std::move(endpoints), connection, job);
                            });
  }

  // The name service has deadlines of its own, and none of them is ours.
  void bound_the_resolving(const ConnectionPtr& connection, const JobPtr& job) {
    job->overdue.expires_at(job->deadline);
    job->overdue.async_wait([self = shared_from_this(), connection, job](const ErrorCode& error) {
      if (error || self->closed_ || !std::exchange(job->resolving, false)) return;
      self->fail(connection, job, beast::error::timeout);
    });
  }

  void connect_to(std::vector<Protocol::endpoint> endpoints, const ConnectionPtr& connection, JobPtr job) {
    const auto kept = std::make_shared<std::vector<Protocol::endpoint>>(std::move(endpoints));
    connection->stream.async_connect(
        *kept, [self = shared_from_this(), connection, job, kept](const ErrorCode& error, const Protocol::endpoint&) {
          if (self->closed_) return;
          error                      ? self->fail(connection, job, error)
          : self->options_.place.tls ? self->shake_hands(connection, job)
                                     : self->write(connection, job);
        });
  }

  Result<SslPtr> make_tls() const {
    const auto policy = options_.tls ? options_.tls() : invalid("no TLS is set up");
    if (!policy) return policy.error();
    TlsClientPolicy own = **policy;
    own.alpn = {"http/1.1"};
    const Result<TlsClientContext> context = TlsClientContext::make(own);
    if (!context) return context.error();
    return context->connect(options_.tls_name.empty() ? options_.place.host : options_.tls_name,
                            options_.place.text());
  }

  void shake_hands(const ConnectionPtr& connection, const JobPtr& job) {
    Result<SslPtr> ssl = make_tls();
    if (!ssl) return end(connection, job, ssl.error());
    connection->tls.emplace(connection->stream, ssl->release());
    connection->tls->async_handshake(asio::ssl::stream_base::client,
                                     [self = shared_from_this(), connection, job](const ErrorCode& error) {
                                       if (self->closed_) return;
                                       if (!error) return self->write(connection, job);
                                       if (error.category() != asio::error::get_ssl_category())
                                         return self->fail(connection, job, error);
                                       const long verdict = SSL_get_verify_result(connection->tls->native_handle());
                                       std::string what = error.message();
                                       if (verdict != X509_V_OK)
                                         what += std::string(": ") + X509_verify_cert_error_string(verdict);
                                       self->end(connection, job, Error{Errc::tls, what});
                                     });
  }

  void end(const ConnectionPtr& connection, const JobPtr& job, Error error) {
    drop(connection);
    job->done(std::move(error));
    serve_waiting();
  }

  void write(const ConnectionPtr& connection, JobPtr job) {
    connection->stream.expires_at(job->deadline);
    auto then = [self = shared_from_this(), connection, job](const ErrorCode& error, std::size_t) {
      if (self->closed_) return;
      error ? self->fail(connection, job, error) : self->read(connection, job);
    };
    connection->tls ? bhttp::async_write(*connection->tls, job->request, std::move(then))
                    : bhttp::async_write(connection->stream, job->request, std::move(then));
  }

  void read(const ConnectionPtr& connection, JobPtr job) {
    connection->parser.emplace();
    connection->parser->header_limit(head_most);
    connection->parser->body_limit(options_.body_most);
    if (job->request.method() == bhttp::verb::head) connection->parser->skip(true);
    auto then = [self = shared_from_this(), connection, job](const ErrorCode& error, std::size_t) {
      if (self->closed_) return;
      error ? self->fail(connection, job, error) : self->finish(connection, job);
    };
    connection->tls ? bhttp::async_read(*connection->tls, connection->buffer, *connection->parser, std::move(then))
                    : bhttp::async_read(connection->stream, connection->buffer, *connection->parser, std::move(then));
  }

  // A kept connection may have been closed meanwhile: that says nothing of the server.
  void fail(const ConnectionPtr& connection, const JobPtr& job, const ErrorCode& error) {
    drop(connection);
    const bool nothing_came = !connection->parser || !connection->parser->got_some();
    if (job->on_kept && nothing_came && error != beast::error::timeout) {
      for (const ConnectionPtr& kept : std::exchange(idle_, {})) drop(kept);  // they are as old
      waiting_.push_front(job);
      bound_the_wait(job);
    } else {
      job->done(failure(error));
    }
    serve_waiting();
  }

  void finish(const ConnectionPtr& connection, const JobPtr& job) {
    auto message = connection->parser->release();
    const bool is_interim = message.result_int() / 100 == 1 && message.result_int() != 101;
    if (is_interim) return read(connection, job);
    HttpClientReply reply;
    reply.status = message.result_int();
    for (const auto& field : message) reply.fields.emplace_back(field.name_string(), field.value());
    reply.body = std::move(message.body());
    // What came behind the answer belongs to none: the next would be taken for another's.
    if (message.keep_alive() && connection->buffer.size() == 0) {
      connection->stream.expires_never();
      connection->idle_since = std::chrono::steady_clock::now();
      idle_.push_back(connection);
    } else {
      drop(connection);
    }
    job->done(std::move(reply));
    serve_waiting();
  }

  asio::io_context& io_;
  asio::ip::tcp::resolver resolver_;
  HttpClient::Options options_;
  bool closed_ = false;
  std::deque<JobPtr> waiting_;
  std::vector<ConnectionPtr> open_, idle_;  // idle ones are open, too
};

}  // namespace

std::shared_ptr<HttpEngine> make_http1_engine(asio::io_context& io, HttpClient::Options options) {
  return std::make_shared<Http1Engine>(io, std::move(options));
}

}  // namespace gatehouse
