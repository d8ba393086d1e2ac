// The part of an exchange that asks whether its request may pass: by name and password, or a server's word. Whatever
// goes wrong, nobody passes by it.
#include <algorithm>
#include <cstring>

#include "proxy/auth/credentials.h"
#include "proxy/connect_io.h"
#include "proxy/exchange_io.h"
#include "proxy/http/bytes.h"
#include "proxy/side_request_io.h"

namespace gatehouse::proxy {
namespace {

using conf::AuthPolicy;
using http::Termination;

constexpr LoopTime password_ms = 10'000;            // for a verdict, the wait for its turn included
constexpr std::size_t answer_body_most = 64 << 10;  // of the server's refusal, that the client gets
constexpr std::size_t copied_bytes_most = 8 << 10;  // of the server's fields, that the backend gets

const std::string nobody;

// What a password's thread tells, and whom it wakes. The exchange may be gone by then.
struct Asked {
  Waker* waker = nullptr;
  bool done = false, good = false;
};

// Of the client's fields the server gets none that are about the body, that make its answer depend on what a cache
// has, or that we say ourselves.
bool is_left_out(std::string_view name) {
  constexpr std::string_view names[] = {"range",
                                        "if-range",
                                        "if-match",
                                        "if-none-match",
                                        "if-modified-since",
                                        "if-unmodified-since",
                                        "content-encoding",
                                        "x-forwarded-method",
                                        "x-forwarded-uri"};
  return std::ranges::any_of(names, [&](std::string_view each) { return http::equals_caseless(name, each); });
}

// What is said of a page by its bytes.
bool is_of_page(std::string_view name) {
  constexpr std::string_view names[] = {
      "content-type",   "content-encoding", "content-language", "content-location", "content-disposition",
      "content-digest", "content-md5",      "digest",           "repr-digest",      "etag",
      "last-modified",  "accept-ranges"};
  return std::ranges::any_of(names, [&](std::string_view each) { return http::equals_caseless(name, each); });
}

}  // namespace

Task<bool> Exchange::authorize() {
  const AuthPolicy& policy = *policy_->auth.policy;
  bool may = false;
  if (policy.kind == AuthPolicy::Kind::basic)
    may = co_await ask_password(policy);
  else
    may = co_await ask_server(policy);
  if (!may) (termination_ == Termination::auth_failed ? shard().auth_failed : shard().auth_refused).add();
  co_return may;
}

Task<bool> Exchange::ask_password(const AuthPolicy& policy) {
  const auto told = auth::Credentials::read(head_.value_of(http::FieldId::authorization));
  if (!told) {
    refuse(401, Termination::unauthorized, "a name and a password are wanted");
    co_return false;
  }
  const conf::Login* login = policy.find(told->name());
  // Who is not known takes as long as who is.
  const std::string& hash = login != nullptr        ? login->hash
                            : policy.logins.empty() ? nobody
                                                    : policy.logins.front().hash;
  const auth::VerdictCache::Key key = auth::VerdictCache::key_of(hash, told->password());
  std::optional<bool> good = worker_.verdicts.find(key, worker_.loop.now());
  if (!good && !hash.empty()) {
    good = co_await hash_password(std::string(told->password()), hash);
    if (good) worker_.verdicts.keep(key, *good, worker_.loop.now());
  }
  if (!good && !hash.empty()) {
    if (client_.stream.failed())
      fail(Fault::client_gone);
    else
      refuse(503, Termination::auth_failed, "too many passwords are being looked at");
    co_return false;
  }
  if (login == nullptr || !good || !*good) {
    refuse(401, Termination::unauthorized, "name and password don't fit");
    co_return false;
  }
  user_ = {user_bytes_.data(), told->name().copy(user_bytes_.data(), user_bytes_.size())};
  co_return true;
}

// Nothing: it could not be found out.
Task<std::optional<bool>> Exchange::hash_password(std::string password, std::string hash) {
  const auto asked = std::make_shared<Asked>();
  asked->waker = &client_.waker;
  Worker* const worker = &worker_;
  auth::PasswordPool::Job job{admission_.client.address(), std::move(password), std::move(hash), {}};
  job.done = [asked, worker](bool good) {
    worker->loop.post([asked, good] {
      asked->done = true;
      asked->good = good;
      if (asked->waker != nullptr) asked->waker->signal();
    });
  };
  const bool taken = worker_.shared.passwords.submit(std::move(job));
  const LoopTime deadline = worker_.loop.now() + password_ms;
  while (taken && !asked->done && !client_.stream.failed() && worker_.loop.now() < deadline)
    co_await client_.waker.sleep(deadline);
  asked->waker = nullptr;
  if (!taken || !asked->done) co_return std::nullopt;
  co_return asked->good;
}

Task<bool> Exchange::ask_server(const AuthPolicy& policy) {
  const PoolPtr pool = world_->share(policy.service);
  pool::PickContext context = pick_context();
  pool::Pick picked;
  if (pool) picked = pool::pick(pool->endpoints, context);
  if (!pool || picked.outcome != pool::Outcome::picked || !pool::begin_request(*picked.endpoint)) {
    refuse(503, Termination::auth_failed, "who decides about access can't be asked");
    co_return false;
  }
  SideAnswer answer;
  const Status asked = co_await converse_with_server(policy, *pool, *picked.endpoint, answer);
  pool::end_request(*picked.endpoint);
  if (!asked) {
    worker_.warn(policy.service + ": " + asked.error().what + ": nobody passes");
    if (asked.error().side == Side::backend)  // what we lack ourselves is not its fault
      pool::on_gateway_error(*picked.endpoint, pool->endpoints, pool->service->eject, pool->stats->eject,
                             pool::Failure::closed, now_ms());
    refuse(503, Termination::auth_failed, "who decides about access can't be asked");
    co_return false;
  }
  const int status = answer.head.status;
  if (status >= 200 && status < 300) {
    if (copy_fields(policy, answer)) co_return true;
    refuse(503, Termination::auth_failed, "what who decides about access says is too large");
    co_return false;
  }
  // Its own trouble is no word about this request.
  if (status >= 500) {
    refuse(503, Termination::auth_failed, "who decides about access has trouble");
    co_return false;
  }
  co_await pass_on(policy, answer);
  co_return false;
}

Task<Status> Exchange::converse_with_server(const AuthPolicy& policy, const ServicePool& pool,
                                            const pool::Endpoint& endpoint, SideAnswer& answer) {
  Buffer request = worker_.buffers.take(BufferPool::large);
  if (!write_question(policy, pool, request)) co_return Error{Errc::limit, "the request is too large", Side::client};
  const LoopTime deadline = worker_.loop.now() + policy.timeout.count();
  std::unique_ptr<BackendConnection> connection = worker_.backends.take(endpoint.live->id);
  const bool idle = connection != nullptr;
  if (!connection) {
    const ConnectRequest wanted{endpoint, pool, policy.timeout, &client_, asking(), head_.host_name()};
    Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker_, client_.waker, wanted);
    if (!made) co_return made.error();
    connection = std::move(*made);
    worker_.backends.know(*connection);
  }
  Status done =
      co_await ask_aside(worker_, client_.waker, *connection, request.view(), deadline, answer_body_most, answer);
  if (!done && idle &&
      done.error().code == Errc::reset) {  // it had been closed under us: a question does no harm twice
    connection.reset();
    answer.clear();
    const ConnectRequest wanted{endpoint, pool, policy.timeout, &client_, asking(), head_.host_name()};
    Result<std::unique_ptr<BackendConnection>> made = co_await connect_backend(worker_, client_.waker, wanted);
    if (!made) co_return made.error();
    connection = std::move(*made);
    worker_.backends.know(*connection);
    done =
        co_await ask_aside(worker_, client_.waker, *connection, request.view(), deadline, answer_body_most, answer);
  }
  if (done && answer.reusable) {
    ++connection->requests;
    worker_.backends.give(std::move(connection));
  }
  co_return done;
}

// The client's own head, as a GET without a body, and what it wanted to do.
bool Exchange::write_question(const AuthPolicy& policy, const ServicePool& pool, Buffer& out) {
  std::array<char, 256> room;
  http::HeadWriter more(room);
  more.field("X-Forwarded-Method", head_.method().substr(0, 64));
  more.put("X-Forwarded-Uri: ");
  http::HeadWriter writer({out.data(), out.room()});
  http::RequestHead question = head_;
  question.body = http::Framing::none;
  question.expect_continue = question.te_trailers = false;
  for (unsigned i = 0; i < question.field_count; ++i)
    if (is_left_out(question.name(question.field[i]))) question.field[i].drop = true;
  http::RequestRewrite rewrite;
  rewrite.method = "GET";
  rewrite.target = policy.target;
  rewrite.host = pool.service->host;
  rewrite.client = &admission_.client;
  rewrite.scheme = client_.tls() ? "https" : "http";
  rewrite.port = client_.listener->port();
  rewrite.request_id = request_id_;
  rewrite.extra = more.text();
  rewrite.last_value = head_.path();
  http::write_request_head(question, rewrite, writer);
  if (!writer.ok()) return false;
  out.grew(writer.size());
  return true;
}

// Puts the server's fields into the head for the backend, which stands in out_ already, before its blank line.
bool Exchange::copy_fields(const AuthPolicy& policy, const SideAnswer& answer) {
  std::string lines;
  for (const http::Field& field : answer.head.fields()) {
    const std::string_view name = answer.head.name(field);
    if (std::ranges::none_of(policy.fields, [&](const std::string& each) { return conf::same_field(each, name); }))
      continue;
    lines.append(name).append(": ").append(answer.head.value(field)).append("\r\n");
  }
  if (lines.empty() || policy_->files) return true;  // files hear nothing
  if (lines.size() > copied_bytes_most) return false;
  const std::string_view all = out_.view();
  const std::size_t head = all.size() - region_copied_ - 2;
  Buffer larger = worker_.buffers.take(
      all.size() + lines.size() > BufferPool::small - Buffer::headroom - Buffer::tailroom ? BufferPool::large
                                                                                          : BufferPool::small);
  const bool fits = larger.append(all.substr(0, head)) && larger.append(lines) && larger.append(all.substr(head));
  if (fits) out_ = std::move(larger);
  return fits;
}

// A page that is too large is never sent in part: one of ours takes its place, and its other fields stay.
void Exchange::replace_page(const AuthPolicy& policy, SideAnswer& answer,
                            std::span<char, http::page_bytes_max> room) {
  worker_.warn(policy.service + ": its page is larger than 64 KiB: the client gets one of the door's in its place");
  shard().auth_pages_replaced.add();
  for (unsigned i = 0; i < answer.head.field_count; ++i)
    if (is_of_page(answer.head.name(answer.head.field[i]))) answer.head.field[i].drop = true;
  answer.body = http::html_page(answer.head.status, {}, room);
}

// The server's answer in place of the backend's: a login page, a redirect to one, a 401.
Task<> Exchange::pass_on(const AuthPolicy& policy, SideAnswer& answer) {
  const bool whole = head_.body == http::Framing::none;
  keep_client_ = keep_client_ && whole;
  client_.linger = !keep_client_;
  status_ = answer.head.status;
  termination_ = Termination::unauthorized;
  std::array<char, http::page_bytes_max> page;
  const bool replaced = answer.cut;
  if (replaced) replace_page(policy, answer, page);
  http::ResponseHead head = answer.head;
  head.body = http::Framing::length;
  head.content_length = answer.body.size();
  head.has_content_length = true;
  Buffer out = worker_.buffers.take(BufferPool::large);
  http::HeadWriter writer({out.data(), out.room()});
  http::ResponseRewrite rewrite;
  const bool bodiless = head_.method_id == http::Method::head || status_ == 204 || status_ == 304;
  rewrite.body = bodiless ? http::Framing::none : http::Framing::length;
  rewrite.close = !keep_client_;
  rewrite.client_minor = head_.minor;
  rewrite.date = worker_.date();
  rewrite.request_id = request_id_;
  if (replaced) rewrite.extra = "Content-Type: text/html; charset=utf-8\r\n";
  if (!admission_.fields.empty()) rewrite.fields = &admission_.fields;
  http::write_response_head(head, rewrite, writer);
  answering_ = true;
  if (!writer.ok()) {
    keep_client_ = false;
    client_.stream.reset();
    co_return;
  }
  out.grew(writer.size());
  const std::string_view body = bodiless ? std::string_view() : std::string_view(answer.body);
  local_body_size_ = out.size() + body.size();
  if (!keep_client_) client_.stream.part_after_message();
  bool sent = co_await send_all(out.view(), body.empty());
  if (sent) sent = co_await send_all(body, true);
  if (!sent) keep_client_ = client_.linger = false;
}

}  // namespace gatehouse::proxy
