// HTTP/2 over TLS (RFC 9113): many requests share a connection, and few connections carry them all.
#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

#include <nghttp2/nghttp2.h>

#include "net/asio.h"
#include "net/http_engine.h"
#include "net/memory_tls.h"

namespace gatehouse {
namespace {

using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t streams_most = 240;  // of a connection: Consul allows 250
constexpr std::size_t head_most = 16 << 10;
constexpr std::int32_t window = 1 << 20, connection_window = 16 << 20;
constexpr Millis connect_most = 10s;
constexpr Millis ping_interval = 15s;  // a peer that said nothing for two of these is gone, whatever TCP thinks

struct Channel;

struct Job {
  explicit Job(asio::io_context& io) : overdue(io) {}
  HttpClientRequest request;
  HttpClient::Done done;
  asio::steady_timer overdue;
  HttpClientReply reply;
  std::size_t head_bytes = 0, body_sent = 0;
  std::int32_t stream = -1;
  bool on_kept = false;   // its connection carried another before
  bool repeated = false;  // it was sent once more already
  std::string wrong;      // what is wrong with the answer
};
using JobPtr = std::shared_ptr<Job>;

struct SessionFree {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Whom a channel tells.
class ChannelOwner {
 public:
  virtual void on_done(const JobPtr& job) = 0;
  virtual void on_room() = 0;
  virtual void on_end(const std::shared_ptr<Channel>& channel, const Error& why) = 0;

 protected:
  ~ChannelOwner() = default;
};

// One connection. Ends by `end`, once; after that it calls nobody.
struct Channel : std::enable_shared_from_this<Channel> {
  Channel(asio::io_context& io, ChannelOwner& owner, const HttpClient::Options& options)
      : owner_(owner), options_(options), socket_(io), resolver_(io), timer_(io) {}

  void start();
  bool has_room() const { return !going_ && jobs_.size() < room_; }
  void carry(JobPtr job);
  void cancel(const JobPtr& job);
  void end(const Error& why);
  std::set<JobPtr> take_jobs() { return std::exchange(jobs_, {}); }
  bool ready() const { return ready_; }

 private:
  void connect_to(std::vector<Protocol::endpoint> endpoints);
  Status begin_tls();
  Status begin_session();
  void take(std::string_view bytes);
  void read();
  void write();
  void flush();
  void submit(const JobPtr& job);
  void watch();
  JobPtr job_of(std::int32_t stream) const {
    return *std::find_if(jobs_.begin(), jobs_.end(), [stream](const JobPtr& job) { return job->stream == stream; });
  }

  static Job* job_in(nghttp2_session* session, std::int32_t stream) {
    return static_cast<Job*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*,
                       std::size_t, std::uint8_t, void*);
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t*, std::size_t, void*);
  static int on_frame(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t, void*);
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t, std::uint32_t*,
                           nghttp2_data_source*, void*);

  ChannelOwner& owner_;
  const HttpClient::Options& options_;
  Protocol::socket socket_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer timer_;
  std::optional<MemoryTls> tls_;
  std::unique_ptr<nghttp2_session, SessionFree> session_;
  std::set<JobPtr> jobs_;
  std::vector<JobPtr> finished_;
  std::size_t room_ = streams_most;
  bool ready_ = false, going_ = false, ended_ = false, writing_ = false;
  unsigned silent_ = 0;  // intervals without a byte
  char in_[16384];
  std::string due_, out_;
};

void Channel::start() {
  timer_.expires_after(connect_most);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->end(Error{Errc::timed_out, "not connected in time"});
  });
  ErrorCode error;
  const auto address = asio::ip::make_address(options_.place.host, error);
  if (!error) return connect_to({asio::ip::tcp::endpoint(address, options_.place.port)});
  resolver_.async_resolve(options_.place.host, std::to_string(options_.place.port),
                          [self = shared_from_this()](const ErrorCode& failed, const auto& found) {
                            if (self->ended_) return;
                            if (failed) return self->end(Error{Errc::io, failed.message()});
                            std::vector<Protocol::endpoint> endpoints;
                            for (const auto& each : found) endpoints.push_back(each.endpoint());
                            self->connect_to(std::move(endpoints));
                          });
}

void Channel::connect_to(std::vector<Protocol::endpoint> endpoints) {
  if (endpoints.empty()) return end(Error{Errc::io, "the name has no address"});
  const Protocol::endpoint first = endpoints.front();
  endpoints.erase(endpoints.begin());
  ErrorCode ignored;
  socket_.close(ignored);
  socket_.async_connect(first, [self = shared_from_this(), rest = std::move(endpoints)](const ErrorCode& error) {
    if (self->ended_) return;
    if (error && !rest.empty()) return self->connect_to(rest);
    if (error)
      return self->end(Error{error == asio::error::connection_refused ? Errc::refused : Errc::io, error.message()});
    if (const Status begun = self->begin_tls(); !begun) return self->end(begun.error());
    self->flush();
    self->read();
  });
}

Status Channel::begin_tls() {
  const auto policy = options_.tls ? options_.tls() : invalid("no TLS is set up");
  if (!policy) return policy.error();
  TlsClientPolicy own = **policy;
  own.alpn = {"h2"};
  const Result<TlsClientContext> context = TlsClientContext::make(own);
  if (!context) return context.error();
  Result<SslPtr> ssl =
      context->connect(options_.tls_name.empty() ? options_.place.host : options_.tls_name, options_.place.text());
  if (!ssl) return ssl.error();
  Result<MemoryTls> tls = MemoryTls::make(std::move(*ssl));
  if (!tls) return tls.error();
  tls_.emplace(std::move(*tls));
  return tls_->start();
}

Status Channel::begin_session() {
  if (tls_->protocol() != "h2") return Error{Errc::protocol, "it speaks no HTTP/2"};
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window);
  timer_.cancel();
  watch();
  return Done{};
}

// Asks for a sign of life where there was none.
void Channel::watch() {
  timer_.expires_after(ping_interval);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (error || self->ended_) return;
    if (++self->silent_ > 2) return self->end(Error{Errc::timed_out, "the connection is dead"});
    nghttp2_submit_ping(self->session_.get(), NGHTTP2_FLAG_NONE, nullptr);
    self->flush();
    self->watch();
  });
}

void Channel::read() {
  socket_.async_read_some(asio::buffer(in_), [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
    if (self->ended_) return;
    if (error) return self->end(Error{Errc::io, error == asio::error::eof ? "closed" : error.message()});
    self->take({self->in_, size});
    if (!self->ended_) self->read();
  });
}

void Channel::take(std::string_view bytes) {
  silent_ = 0;
  std::string plain;
  if (const Status fed = tls_->feed(bytes, plain); !fed) return end(fed.error());
  if (!session_ && tls_->ready())
    if (const Status begun = begin_session(); !begun) return end(begun.error());
  if (session_ &&
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()) < 0)
    return end(Error{Errc::protocol, "what it says is not HTTP/2"});
  flush();
  const auto self = shared_from_this();
  for (const JobPtr& job : std::exchange(finished_, {}))
    if (jobs_.erase(job) != 0) owner_.on_done(job);
  if (!ended_ && going_ && jobs_.empty()) return end(Error{Errc::io, "closed"});
  if (!ended_) owner_.on_room();
}

void Channel::flush() {
  if (session_) {
    std::string plain;
    const std::uint8_t* bytes = nullptr;
    for (auto size = nghttp2_session_mem_send(session_.get(), &bytes); size > 0;
         size = nghttp2_session_mem_send(session_.get(), &bytes))
      plain += text_of(bytes, static_cast<std::size_t>(size));
    if (const Status sent = tls_->send(plain); !sent) return end(sent.error());
  }
  due_ += tls_->take();
  write();
}

void Channel::write() {
  if (writing_ || due_.empty()) return;
  writing_ = true;
  out_ = std::exchange(due_, {});
  asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    if (self->ended_) return;
    self->writing_ = false;
    if (error) return self->end(Error{Errc::io, error.message()});
    self->write();
  });
}

void Channel::carry(JobPtr job) {
  job->on_kept = ready_;
  jobs_.insert(job);
  if (!ready_) return;
  submit(job);
  flush();
}

void Channel::submit(const JobPtr& job) {
  const HttpClientRequest& request = job->request;
  const bool six = options_.place.host.find(':') != std::string::npos;
  const std::string authority =
      (six ? "[" + options_.place.host + "]" : options_.place.host) + ":" + std::to_string(options_.place.port);
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& [name, value] : request.fields) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    fields.emplace_back(std::move(lower), value);
  }
  if (!request.body.empty()) fields.emplace_back("content-length", std::to_string(request.body.size()));
  std::vector<nghttp2_nv> all = {field(":method", request.method), field(":scheme", "https"),
                                 field(":authority", authority), field(":path", request.target),
                                 field("user-agent", "gatehouse")};
  for (const auto& [name, value] : fields) all.push_back(field(name, value));
  nghttp2_data_provider provider{};
  provider.source.ptr = job.get();
  provider.read_callback = read_body;
  job->stream = nghttp2_submit_request(session_.get(), nullptr, all.data(), all.size(),
                                       request.body.empty() ? nullptr : &provider, job.get());
  if (job->stream < 0) going_ = true;  // this connection has no numbers left
}

void Channel::cancel(const JobPtr& job) {
  if (jobs_.erase(job) == 0) return;
  if (job->stream <= 0) return;
  nghttp2_session_set_stream_user_data(session_.get(), job->stream, nullptr);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, job->stream, NGHTTP2_CANCEL);
  flush();
}

void Channel::end(const Error& why) {
  if (std::exchange(ended_, true)) return;
  const auto self = shared_from_this();
  timer_.cancel();
  resolver_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  owner_.on_end(self, why);
}

int Channel::on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void*) {
  Job* job = job_in(session, frame->hd.stream_id);
  if (job == nullptr) return 0;
  const std::string_view said = text_of(name, name_size), text = text_of(value, value_size);
  job->head_bytes += name_size + value_size;
  if (job->head_bytes > head_most) {
    job->wrong = "the answer's head is too long";
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (said == ":status")
    std::from_chars(text.data(), text.data() + text.size(), job->reply.status);
  else
    job->reply.fields.emplace_back(said, text);
  return 0;
}

int Channel::on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* data) {
  Job* job = job_in(session, stream);
  if (job == nullptr) return 0;
  if (job->reply.body.size() + size > static_cast<Channel*>(data)->options_.body_most) {
    job->wrong = "the answer is too long";
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    return 0;
  }
  job->reply.body += text_of(bytes, size);
  return 0;
}

int Channel::on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
  auto& channel = *static_cast<Channel*>(data);
  if (frame->hd.type == NGHTTP2_GOAWAY) channel.going_ = true;
  if (frame->hd.type != NGHTTP2_SETTINGS || frame->hd.flags & NGHTTP2_FLAG_ACK) return 0;
  const auto most = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  channel.room_ = std::clamp<std::size_t>(most, 1, streams_most);
  if (!std::exchange(channel.ready_, true))
    for (const JobPtr& job : channel.jobs_) channel.submit(job);
  return 0;
}

int Channel::on_stream_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* data) {
  auto& channel = *static_cast<Channel*>(data);
  if (job_in(session, stream) == nullptr) return 0;
  const JobPtr job = channel.job_of(stream);
  if (job->wrong.empty() && (code != NGHTTP2_NO_ERROR || job->reply.status == 0)) job->wrong = "the answer broke off";
  channel.finished_.push_back(job);
  return 0;
}

ssize_t Channel::read_body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t most, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
  Job& job = *static_cast<Job*>(source->ptr);
  const std::size_t size = job.request.body.copy(reinterpret_cast<char*>(out), most, job.body_sent);
  job.body_sent += size;
  if (job.body_sent == job.request.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

class Http2Engine final : public HttpEngine, public ChannelOwner, public std::enable_shared_from_this<Http2Engine> {
 public:
  Http2Engine(asio::io_context& io, HttpClient::Options options) : io_(io), options_(std::move(options)) {}

  void send(HttpClientRequest request, Millis within, HttpClient::Done done) override {
    auto job = std::make_shared<Job>(io_);
    job->request = std::move(request);
    job->done = std::move(done);
    job->overdue.expires_after(within);
    job->overdue.async_wait([self = shared_from_this(), job](const ErrorCode& error) {
      if (!error && !self->closed_) self->give_up(job);
    });
    waiting_.push_back(std::move(job));
    serve_waiting();
  }

  void close() override {
    closed_ = true;
    for (const JobPtr& job : std::exchange(waiting_, {})) job->overdue.cancel();
    for (const auto& channel : std::exchange(channels_, {})) {
      for (const JobPtr& job : channel->take_jobs()) job->overdue.cancel();
      channel->end(Error{Errc::io, "closed"});
    }
  }

  std::size_t connections() const override { return channels_.size(); }

  void on_done(const JobPtr& job) override {
    job->overdue.cancel();
    if (closed_) return;
    job->wrong.empty() ? finish(job, std::move(job->reply)) : finish(job, Error{Errc::protocol, job->wrong});
  }

  void on_room() override { serve_waiting(); }

  // A kept connection may have been closed meanwhile: that says nothing of the server.
  void on_end(const std::shared_ptr<Channel>& channel, const Error& why) override {
    if (closed_) return;
    std::erase(channels_, channel);
    for (const JobPtr& job : channel->take_jobs()) {
      if (job->on_kept && job->reply.status == 0 && !std::exchange(job->repeated, true)) {
        job->stream = -1;
        job->body_sent = 0;
        waiting_.push_front(job);
      } else {
        job->overdue.cancel();
        finish(job, why);
        if (closed_) return;
      }
    }
    serve_waiting();
  }

 private:
  // Once: the deadline may have run out in the same moment as the answer came.
  static void finish(const JobPtr& job, Result<HttpClientReply> got) {
    if (const HttpClient::Done done = std::exchange(job->done, nullptr)) done(std::move(got));
  }

  void give_up(const JobPtr& job) {
    if (!job->done) return;
    if (std::erase(waiting_, job) == 0)
      for (const auto& channel : std::vector(channels_)) channel->cancel(job);
    finish(job, Error{Errc::timed_out, "no answer in time"});
  }

  void serve_waiting() {
    while (!waiting_.empty() && !closed_) {
      const std::shared_ptr<Channel> channel = channel_with_room();
      if (!channel) return;
      JobPtr job = std::move(waiting_.front());
      waiting_.pop_front();
      channel->carry(std::move(job));
    }
  }

  std::shared_ptr<Channel> channel_with_room() {
    for (const auto& channel : channels_)
      if (channel->has_room()) return channel;
    if (channels_.size() >= options_.connections_most) return nullptr;
    channels_.push_back(std::make_shared<Channel>(io_, *this, options_));
    const auto made = channels_.back();
    made->start();
    return made;
  }

  asio::io_context& io_;
  const HttpClient::Options options_;
  bool closed_ = false;
  std::deque<JobPtr> waiting_;
  std::vector<std::shared_ptr<Channel>> channels_;
};

}  // namespace

std::shared_ptr<HttpEngine> make_http2_engine(asio::io_context& io, HttpClient::Options options) {
  return std::make_shared<Http2Engine>(io, std::move(options));
}

}  // namespace gatehouse
