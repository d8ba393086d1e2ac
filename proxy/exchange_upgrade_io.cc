// The part of an exchange after a 101: bytes both ways until both sides have ended (RFC 9110 7.8).
#include <algorithm>

#include "proxy/exchange_io.h"
#include "proxy/http2/backend_answer.h"

namespace gatehouse::proxy {
namespace {

// After the backend's end the client gets its own within this time, and the whole is over soon after: some WebSocket
// clients wait for us to close first.
constexpr LoopTime part_ms = 2000;

}  // namespace

// Of what comes over HTTP/2 the key is ours, so that nobody else could see that the backend never looked at it.
bool Exchange::is_proven() const {
  using http::FieldId;
  if (client_.carrier == nullptr) return true;
  return answer_head_.value_of(FieldId::sec_websocket_accept) ==
         http2::websocket_accept(head_.value_of(FieldId::sec_websocket_key));
}

Task<> Exchange::converse_upgraded() {
  using Coding = BodyMover::Coding;
  Stream& client = client_.stream;
  Stream& backend = backend_->stream;
  keep_client_ = keep_backend_ = false;
  worker_.counters.upgrades_open.add();
  Buffer early;  // what the client sent behind its request: never passed on before the 101
  if (client_.in.size() > head_.size) {
    early = worker_.buffers.take(client_.in.capacity());
    early.append(client_.in.view().substr(head_.size));
    region_size_ = early.size();
  }
  request_body_.start(Coding::raw, 0, std::move(early));
  let_world_go();
  kept_head_.assign(head_.bytes, head_.size);  // for the log line; the slab goes back
  head_.bytes = kept_head_.data();
  client_.in.release();
  out_.release();
  LoopTime part_at = never;
  for (;;) {
    if (backend_->withdrawn) {
      termination_ = http::Termination::backend_withdrawn;
      break;
    }
    Moved up = Moved::done, down = Moved::done;
    if (!request_body_.done()) up = request_body_.run(client, backend);
    if (!answer_body_.done()) down = answer_body_.run(backend, client);
    if (termination_ == http::Termination::ok && (up == Moved::source_ended || down == Moved::source_ended))
      termination_ = up == Moved::source_ended ? http::Termination::tunnel_client_closed
                                               : http::Termination::tunnel_backend_closed;
    if (up == Moved::source_ended) backend.end_sending();
    if (down == Moved::source_ended) {
      client.end_sending();
      part_at = worker_.loop.now() + part_ms;
    }
    note_progress();
    const bool broken = up == Moved::source_failed || up == Moved::sink_failed || down == Moved::source_failed ||
                        down == Moved::sink_failed;
    if (broken || (request_body_.done() && answer_body_.done())) {
      const bool by_client = client.failed() || up == Moved::source_failed || down == Moved::sink_failed;
      if (broken)
        termination_ = by_client ? http::Termination::tunnel_client_closed : http::Termination::tunnel_backend_closed;
      break;
    }
    if (up == Moved::yielded || down == Moved::yielded) {
      co_await client_.waker.yield();
      continue;
    }
    const LoopTime deadline = std::min(due_after(progress_at_, policy_->websocket_idle_timeout), part_at);
    const Waker::Why why = co_await client_.waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      if (part_at == never) termination_ = http::Termination::tunnel_idle;
      break;
    }
  }
  worker_.counters.upgrades_open.subtract();
  attempt_ = Attempt::answered;
}

}  // namespace gatehouse::proxy
