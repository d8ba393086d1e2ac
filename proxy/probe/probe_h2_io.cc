// Checks that speak HTTP/2: gRPC's health protocol (grpc.health.v1) and a bare PING.
#include <memory>

#include <nghttp2/nghttp2.h>

#include "proxy/probe/probe_io.h"

namespace gatehouse::pool {
namespace {

struct SessionFree {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionFree>;

// What a check has seen so far.
struct Seen {
  bool pong = false, closed = false;
  std::string body, grpc_status, http_status;
};

constexpr std::size_t body_most = 4096;
// HealthCheckResponse.ServingStatus SERVING, as protobuf: field 1, varint, 1.
constexpr std::string_view serving("\x08\x01", 2);

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
  if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK) static_cast<Seen*>(data)->pong = true;
  return 0;
}

int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size, const uint8_t* value,
              size_t value_size, uint8_t, void* data) {
  const std::string_view field(reinterpret_cast<const char*>(name), name_size);
  const std::string_view text(reinterpret_cast<const char*>(value), value_size);
  if (field == "grpc-status") static_cast<Seen*>(data)->grpc_status = text;
  if (field == ":status") static_cast<Seen*>(data)->http_status = text;
  return 0;
}

int on_data(nghttp2_session*, uint8_t, int32_t, const uint8_t* bytes, size_t size, void* data) {
  Seen& seen = *static_cast<Seen*>(data);
  if (seen.body.size() + size <= body_most) seen.body.append(reinterpret_cast<const char*>(bytes), size);
  return 0;
}

int on_close(nghttp2_session*, int32_t, uint32_t, void* data) {
  static_cast<Seen*>(data)->closed = true;
  return 0;
}

SessionPtr client_session(Seen& seen) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks, &seen);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  return SessionPtr(session);
}

// Exchanges frames until `done` says so.
Task<bool> converse(Stream& stream, Waker& waker, LoopTime deadline, nghttp2_session* session, const bool& done,
                    ProbeReport& report) {
  char bytes[4096];
  while (!done) {
    const uint8_t* out = nullptr;
    for (auto size = nghttp2_session_mem_send(session, &out); size > 0;
         size = nghttp2_session_mem_send(session, &out)) {
      const std::string_view frame(reinterpret_cast<const char*>(out), size);
      const bool sent = co_await send_probe(stream, waker, frame, deadline, report);
      if (!sent) co_return false;
    }
    const IoResult got = stream.receive(bytes, sizeof bytes);
    if (got.ok()) {
      if (nghttp2_session_mem_recv(session, reinterpret_cast<const uint8_t*>(bytes), got.size) < 0) {
        report.output = "the answer is not HTTP/2";
        co_return false;
      }
      continue;
    }
    if (!got.again()) {
      report.output = "the connection ended without an answer";
      co_return false;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "no answer in time";
      co_return false;
    }
  }
  co_return true;
}

// HealthCheckRequest { service = NAME } in a gRPC frame: not compressed, length, message.
std::string grpc_request(const std::string& service) {
  std::string message;
  if (!service.empty()) message = std::string("\x0a") + static_cast<char>(service.size()) + service;
  const std::size_t size = message.size();
  const char head[5] = {0, 0, 0, static_cast<char>(size >> 8), static_cast<char>(size)};
  return std::string(head, sizeof head) + message;
}

struct Body {
  std::string bytes;
  std::size_t sent = 0;
};

ssize_t read_body(nghttp2_session*, int32_t, uint8_t* out, size_t most, uint32_t* flags, nghttp2_data_source* source,
                  void*) {
  Body& body = *static_cast<Body*>(source->ptr);
  const std::size_t size = std::min(most, body.bytes.size() - body.sent);
  body.bytes.copy(reinterpret_cast<char*>(out), size, body.sent);
  body.sent += size;
  if (body.sent == body.bytes.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

void submit_grpc(nghttp2_session* session, const ProbeTarget& target, Body& body) {
  const nghttp2_nv fields[] = {field(":method", "POST"),
                               field(":scheme", target.check.tls ? "https" : "http"),
                               field(":path", "/grpc.health.v1.Health/Check"),
                               field(":authority", target.host),
                               field("content-type", "application/grpc"),
                               field("te", "trailers"),
                               field("user-agent", "gatehouse health check")};
  nghttp2_data_provider provider{};
  provider.source.ptr = &body;
  provider.read_callback = read_body;
  nghttp2_submit_request(session, nullptr, fields, std::size(fields), &provider, nullptr);
}

}  // namespace

Task<ProbeReport> probe_grpc(Waker& waker, const ProbeTarget& target) {
  ProbeReport report;
  Stream stream;
  const LoopTime deadline = waker.loop().now() + target.check.timeout.count();
  const bool open = co_await open_probe(stream, waker, target, deadline, report);
  if (!open) co_return report;
  Seen seen;
  const SessionPtr session = client_session(seen);
  Body body{grpc_request(target.check.path == "/" ? "" : target.check.path)};
  submit_grpc(session.get(), target, body);
  const bool answered = co_await converse(stream, waker, deadline, session.get(), seen.closed, report);
  if (!answered) co_return report;
  const bool serves = seen.grpc_status == "0" && seen.body.size() > 5 && seen.body.substr(5) == serving;
  report.result = serves ? CheckResult::passing : CheckResult::critical;
  report.output = serves ? "gRPC: serving" : "gRPC: not serving (grpc-status " + seen.grpc_status + ")";
  co_return report;
}

Task<ProbeReport> probe_h2ping(Waker& waker, const ProbeTarget& target) {
  ProbeReport report;
  Stream stream;
  const LoopTime deadline = waker.loop().now() + target.check.timeout.count();
  const bool open = co_await open_probe(stream, waker, target, deadline, report);
  if (!open) co_return report;
  Seen seen;
  const SessionPtr session = client_session(seen);
  nghttp2_submit_ping(session.get(), NGHTTP2_FLAG_NONE, nullptr);
  const bool answered = co_await converse(stream, waker, deadline, session.get(), seen.pong, report);
  if (answered) {
    report.result = CheckResult::passing;
    report.output = "HTTP/2: PING was answered";
  }
  co_return report;
}

}  // namespace gatehouse::pool
