#include "proxy/side_request_io.h"

#include <algorithm>
#include <array>

#include "proxy/http/chunked.h"
#include "proxy/http/parse.h"
#include "proxy/worker_io.h"

namespace gatehouse::proxy {
namespace {

constexpr http::HeadLimits head_limits{16 << 10, 48 << 10, http::fields_capacity};

Error broken(const char* what) { return Error{Errc::reset, what, Side::backend}; }
Error late(const char* what) { return Error{Errc::timed_out, what, Side::backend}; }

Task<Status> send_request(Stream& to, Waker& waker, std::string_view request, LoopTime deadline) {
  while (!request.empty() || to.pending()) {
    const IoResult sent = to.pending() ? to.flush() : to.send(request.data(), request.size(), false);
    if (sent.ok()) {
      request.remove_prefix(std::min(sent.size, request.size()));
      continue;
    }
    if (!sent.again()) co_return broken("the connection was lost");
    to.wait_writable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return late("the request was not taken in time");
  }
  co_return Done{};
}

// Of a body: keeps as much as is wanted, and knows when it has ended.
class Body {
 public:
  Body(const http::ResponseHead& head, std::size_t most, SideAnswer& into)
      : framing_(head.body), left_(head.content_length), most_(most), into_(into) {
    if (framing_ == http::Framing::none || (framing_ == http::Framing::length && left_ == 0)) into_.whole = true;
  }

  // False: malformed.
  bool feed(char* data, std::size_t size) {
    switch (framing_) {
      case http::Framing::length: {
        const std::size_t part = std::min<std::uint64_t>(size, left_);
        left_ -= part;
        keep(data, part);
        into_.whole = left_ == 0;
        clean_ = clean_ && part == size;
        return true;
      }
      case http::Framing::chunked: {
        const http::ChunkedBody::Fed fed = chunks_.feed(data, size);
        keep(data, fed.kept);
        into_.whole = fed.done;
        clean_ = clean_ && fed.consumed == size;
        return fed.fault == nullptr;
      }
      case http::Framing::until_close: keep(data, size); return true;
      case http::Framing::none: clean_ = clean_ && size == 0; return true;
    }
    return false;
  }

  bool ends_with_connection() const { return framing_ == http::Framing::until_close; }
  bool clean() const { return clean_ && !ends_with_connection(); }

 private:
  void keep(const char* data, std::size_t size) {
    const std::size_t room = most_ - std::min(most_, into_.body.size());
    into_.cut = into_.cut || size > room;
    into_.body.append(data, std::min(size, room));
  }

  http::Framing framing_;
  std::uint64_t left_;
  std::size_t most_;
  SideAnswer& into_;
  http::ChunkedBody chunks_{http::ChunkedBody::Mode::decode};
  bool clean_ = true;
};

Task<Status> read_head(Worker& worker, Waker& waker, Stream& from, LoopTime deadline, SideAnswer& answer) {
  answer.bytes = worker.buffers.take();
  for (;;) {
    const http::ParseState state = http::parse_response_head(answer.bytes.view(), head_limits, false, answer.head);
    if (state == http::ParseState::refused) co_return broken("the answer is malformed");
    if (state == http::ParseState::complete && !answer.head.interim()) break;
    if (state == http::ParseState::complete) {
      answer.bytes.consume(answer.head.size);
      answer.head.clear();
      continue;
    }
    if (answer.bytes.room() == 0) answer.bytes.compact();
    if (answer.bytes.room() == 0) {
      if (answer.bytes.capacity() == BufferPool::large) co_return broken("the answer's head is too large");
      Buffer larger = worker.buffers.take(BufferPool::large);
      larger.append(answer.bytes.view());
      answer.bytes = std::move(larger);
    }
    const IoResult got = from.receive(answer.bytes.end(), answer.bytes.room());
    if (got.ok()) {
      answer.bytes.grew(got.size);
      continue;
    }
    if (!got.again()) co_return broken("the connection ended before the answer");
    from.wait_readable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return late("no answer in time");
  }
  co_return answer.head.status == 101 ? Status(broken("the answer changes the protocol")) : Status(Done{});
}

Task<Status> read_body(Worker& worker, Waker& waker, Stream& from, LoopTime deadline, std::size_t most,
                       SideAnswer& answer) {
  Body body(answer.head, most, answer);
  char* const behind = const_cast<char*>(answer.bytes.data()) + answer.head.size;
  if (!body.feed(behind, answer.bytes.size() - answer.head.size)) co_return broken("the answer's body is malformed");
  Buffer room = worker.buffers.take();
  while (!answer.whole) {
    room.clear();
    const IoResult got = from.receive(room.end(), room.room());
    if (got.ok()) {
      room.grew(got.size);
      if (!body.feed(room.data(), got.size)) co_return broken("the answer's body is malformed");
      continue;
    }
    if (!got.again()) {
      answer.whole = body.ends_with_connection();
      break;
    }
    from.wait_readable();
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) co_return late("the answer was not whole in time");
  }
  answer.reusable = answer.whole && body.clean() && answer.head.keep_alive;
  co_return answer.whole ? Status(Done{}) : Status(broken("the answer was cut"));
}

}  // namespace

Task<Status> ask_aside(Worker& worker, Waker& waker, BackendConnection& connection, std::string_view request,
                       LoopTime deadline, std::size_t body_most, SideAnswer& answer) {
  connection.stream.set_waker(&waker);
  Status done = co_await send_request(connection.stream, waker, request, deadline);
  if (done) done = co_await read_head(worker, waker, connection.stream, deadline, answer);
  if (done) done = co_await read_body(worker, waker, connection.stream, deadline, body_most, answer);
  co_return done;
}

}  // namespace gatehouse::proxy
