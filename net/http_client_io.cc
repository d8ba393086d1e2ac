#include "net/http_client_io.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "net/asio.h"
#include "net/beast.h"

namespace gatehouse {
namespace {

namespace bhttp = beast::http;
using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t head_most = 16 << 10;
constexpr Millis idle_most = 30s;  // before Consul's own servers close it

bool same_name(std::string_view a, std::string_view b) { return beast::iequals(a, b); }

Error failure(const ErrorCode& error) {
  if (error == beast::error::timeout) return Error{Errc::timed_out, "no answer in time"};
  if (error == asio::error::connection_refused) return Error{Errc::refused, error.message()};
  return Error{Errc::io, error == bhttp::error::end_of_stream ? "closed without an answer" : error.message()};
}

}  // namespace

std::string_view HttpClientReply::field(std::string_view name) const {
  for (const auto& [known, value] : fields)
    if (same_name(known, name)) return value;
  return {};
}

// Lives until its last operation has ended; what is closed calls nobody.
class HttpClient::Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(asio::io_context& io, Options options) : io_(io), resolver_(io), options_(std::move(options)) {}

  void send(HttpClientRequest request, Millis within, Done done) {
    auto job = std::make_shared<Job>();
    job->request.method_string(request.method);
    job->request.target(request.target);
    job->request.version(11);
    job->request.set(bhttp::field::host, options_.place.host.empty() ? "localhost" : options_.place.host);
    job->request.set(bhttp::field::user_agent, "gatehouse");
    for (const auto& [name, value] : request.fields) job->request.set(name, value);
    job->request.body() = std::move(request.body);
    job->request.prepare_payload();
    job->deadline = std::chrono::steady_clock::now() + within;
    job->done = std::move(done);
    waiting_.push_back(std::move(job));
    serve_waiting();
  }

  void close() {
    closed_ = true;
    waiting_.clear();
    resolver_.cancel();
    for (const auto& connection : open_) connection->stream.close();
    open_.clear();
    idle_.clear();
  }

  std::size_t connections() const { return open_.size(); }

 private:
  struct Job {
    bhttp::request<bhttp::string_body> request;
    std::chrono::steady_clock::time_point deadline;
    Done done;
    bool on_kept = false;  // its connection carried another before
  };
  using JobPtr = std::shared_ptr<Job>;

  struct Connection {
    explicit Connection(asio::io_context& io) : stream(io) {}
    beast::basic_stream<Protocol> stream;
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

  JobPtr take_job() {
    JobPtr job = std::move(waiting_.front());
    waiting_.pop_front();
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
    resolver_.async_resolve(place.host, std::to_string(place.port),
                            [self = shared_from_this(), connection, job](const ErrorCode& failed, const auto& found) {
                              if (self->closed_) return;
                              if (failed) return self->fail(connection, job, failed);
                              std::vector<Protocol::endpoint> endpoints;
                              for (const auto& each : found) endpoints.push_back(each.endpoint());
                              self->connect_to(std::move(endpoints), connection, job);
                            });
  }

  void connect_to(std::vector<Protocol::endpoint> endpoints, const ConnectionPtr& connection, JobPtr job) {
    const auto kept = std::make_shared<std::vector<Protocol::endpoint>>(std::move(endpoints));
    connection->stream.async_connect(
        *kept, [self = shared_from_this(), connection, job, kept](const ErrorCode& error, const Protocol::endpoint&) {
          if (self->closed_) return;
          error ? self->fail(connection, job, error) : self->write(connection, job);
        });
  }

  void write(const ConnectionPtr& connection, JobPtr job) {
    connection->stream.expires_at(job->deadline);
    bhttp::async_write(connection->stream, job->request,
                       [self = shared_from_this(), connection, job](const ErrorCode& error, std::size_t) {
                         if (self->closed_) return;
                         error ? self->fail(connection, job, error) : self->read(connection, job);
                       });
  }

  void read(const ConnectionPtr& connection, JobPtr job) {
    connection->parser.emplace();
    connection->parser->header_limit(head_most);
    connection->parser->body_limit(options_.body_most);
    bhttp::async_read(connection->stream, connection->buffer, *connection->parser,
                      [self = shared_from_this(), connection, job](const ErrorCode& error, std::size_t) {
                        if (self->closed_) return;
                        error ? self->fail(connection, job, error) : self->finish(connection, job);
                      });
  }

  // A kept connection may have been closed meanwhile: that says nothing of the server.
  void fail(const ConnectionPtr& connection, const JobPtr& job, const ErrorCode& error) {
    drop(connection);
    const bool nothing_came = !connection->parser || !connection->parser->got_some();
    if (job->on_kept && nothing_came && error != beast::error::timeout) {
      for (const ConnectionPtr& kept : std::exchange(idle_, {})) drop(kept);  // they are as old
      waiting_.push_front(job);
    } else {
      job->done(failure(error));
    }
    serve_waiting();
  }

  void finish(const ConnectionPtr& connection, const JobPtr& job) {
    auto message = connection->parser->release();
    HttpClientReply reply;
    reply.status = message.result_int();
    for (const auto& field : message) reply.fields.emplace_back(field.name_string(), field.value());
    reply.body = std::move(message.body());
    if (message.keep_alive()) {
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
  Options options_;
  bool closed_ = false;
  std::deque<JobPtr> waiting_;
  std::vector<ConnectionPtr> open_, idle_;  // idle ones are open, too
};

HttpClient::HttpClient(asio::io_context& io, Options options)
    : engine_(std::make_shared<Engine>(io, std::move(options))) {}

HttpClient::~HttpClient() { engine_->close(); }

void HttpClient::send(HttpClientRequest request, Millis within, Done done) {
  engine_->send(std::move(request), within, std::move(done));
}

std::size_t HttpClient::connections() const { return engine_->connections(); }

}  // namespace gatehouse
