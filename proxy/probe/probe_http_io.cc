#include <algorithm>

#include "proxy/http/chunked.h"
#include "proxy/http/parse.h"
#include "proxy/http2/backend_session.h"
#include "proxy/probe/probe_io.h"
#include "proxy/probe/probe_redirect.h"

namespace gatehouse::pool {
namespace {

constexpr std::size_t answer_most = 64 << 10;  // of the body, no more is looked at

// What is asked for now: the check's own at first, then where redirects lead.
struct Ask {
  std::string method, path, body;
};

std::string request_text(const ProbeTarget& target, const Ask& ask) {
  const conf::HealthCheck& check = target.check;
  std::string text = ask.method + " " + ask.path + " HTTP/1.1\r\n";
  const auto given = [&](std::string_view wanted) {
    return std::any_of(check.headers.begin(), check.headers.end(), [&](const auto& header) {
      return header.first.size() == wanted.size() &&
             std::equal(wanted.begin(), wanted.end(), header.first.begin(),
                        [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    });
  };
  if (!given("host")) text += "Host: " + target.host + "\r\n";
  if (!given("user-agent")) text += "User-Agent: gatehouse health check\r\n";
  for (const auto& [name, value] : check.headers) text += name + ": " + value + "\r\n";
  if (!ask.body.empty()) text += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  return text + "Connection: close\r\n\r\n" + ask.body;
}

CheckResult judge(const conf::HealthCheck& check, int status) {
  const auto& warning = check.warning_status;
  if (std::find(warning.begin(), warning.end(), status) != warning.end()) return CheckResult::warning;
  const bool good = std::any_of(check.status.begin(), check.status.end(),
                                [status](const conf::StatusRange& range) { return range.contains(status); });
  return good ? CheckResult::passing : CheckResult::critical;
}

// What has come of an answer: its head, and behind it the body without its framing.
struct Received {
  std::string bytes;
  http::ResponseHead head;
  bool complete = false;  // the head is
  http::ChunkedBody chunks{http::ChunkedBody::Mode::decode};
  const char* fault = nullptr;
};

// Takes the bytes in. True: no more of the answer is wanted.
bool take(std::string_view fresh, bool to_head, bool whole, Received& answer) {
  http::ResponseHead& head = answer.head;
  std::size_t from = answer.bytes.size();
  answer.bytes += fresh;
  if (!answer.complete) {
    const http::ParseState state = http::parse_response_head(answer.bytes, {}, to_head, head);
    if (state == http::ParseState::refused) answer.fault = head.refusal.reason;
    if (state != http::ParseState::complete) return answer.fault != nullptr;
    answer.complete = true;
    from = head.size;
  }
  if (!whole) return true;
  bool ended = head.body == http::Framing::none;
  if (head.body == http::Framing::chunked) {
    const http::ChunkedBody::Fed fed = answer.chunks.feed(answer.bytes.data() + from, answer.bytes.size() - from);
    answer.bytes.resize(from + fed.kept);
    answer.fault = fed.fault;
    ended = fed.done || fed.fault != nullptr;
  }
  const std::size_t size = answer.bytes.size() - head.size;
  return ended || size >= answer_most || (head.body == http::Framing::length && size >= head.content_length);
}

// Reads on until the head stands, or the whole of the answer if its body counts. False: it never came.
Task<bool> read_answer(Stream& stream, Waker& waker, LoopTime deadline, bool to_head, bool whole, Received& answer,
                       ProbeReport& report) {
  char bytes[4096];
  for (;;) {
    const IoResult got = stream.receive(bytes, sizeof bytes);
    if (got.ok()) {
      const bool enough = take({bytes, got.size}, to_head, whole, answer);
      if (answer.fault != nullptr) report.output = std::string("malformed answer: ") + answer.fault;
      if (enough) co_return answer.fault == nullptr;
      continue;
    }
    if (!got.again()) {
      if (!answer.complete) report.output = "the connection ended without an answer";
      co_return answer.complete;
    }
    const Waker::Why why = co_await waker.sleep(deadline);
    if (why == Waker::Why::deadline) {
      report.output = "no answer in time";
      co_return false;
    }
  }
}

struct NoOwner final : http2::BackendSession::Owner {
  void has_output() override {}
};

// The same over HTTP/2: a stream takes the request and gives the answer as HTTP/1.1 has them.
Task<bool> ask_http2(Stream& stream, Waker& waker, const ProbeTarget& target, LoopTime deadline,
                     const std::string& request, bool to_head, Received& answer, ProbeReport& report) {
  BufferPool buffers;
  NoOwner nobody;
  http2::BackendSession session(buffers, {}, target.check.tls ? "https" : "http", nobody);
  http2::BackendStream lane(session);
  lane.send(request.data(), request.size());
  char bytes[4096];
  for (;;) {
    Buffer out = buffers.take(BufferPool::large);
    session.pull(out);
    const bool sent = co_await send_probe(stream, waker, out.view(), deadline, report);
    if (!sent) co_return false;
    for (IoResult got = lane.receive(bytes, sizeof bytes); got.ok(); got = lane.receive(bytes, sizeof bytes)) {
      const bool enough = take({bytes, got.size}, to_head, !target.check.body_contains.empty(), answer);
      if (answer.fault != nullptr) report.output = std::string("malformed answer: ") + answer.fault;
      if (enough) co_return answer.fault == nullptr;
    }
    if (!session.broken().empty()) report.output = session.broken();
    if (lane.failed() && report.output.empty()) report.output = "the request was reset";
    if (lane.failed() || !session.broken().empty()) co_return false;
    const IoResult got = stream.receive(bytes, sizeof bytes);
    if (got.ok()) {
      session.feed({bytes, got.size}, waker.loop().now());
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
}

struct Answer {
  ProbeReport report;
  int status = 0;  // 0: none came
  std::string location;
};

Task<Answer> ask_once(Waker& waker, const ProbeTarget& target, LoopTime deadline, const Ask& ask) {
  Answer out;
  ProbeReport& report = out.report;
  Stream stream;
  const bool open = co_await open_probe(stream, waker, target, deadline, report);
  if (!open) co_return out;
  const std::string request = request_text(target, ask);
  const bool to_head = ask.method == "HEAD", whole = !target.check.body_contains.empty();
  Received answer;
  bool read = false;
  if (target.check.http2) {
    read = co_await ask_http2(stream, waker, target, deadline, request, to_head, answer, report);
  } else {
    read = co_await send_probe(stream, waker, request, deadline, report);
    if (!read) co_return out;
    read = co_await read_answer(stream, waker, deadline, to_head, whole, answer, report);
  }
  if (!read) co_return out;
  http::ResponseHead& head = answer.head;
  head.bytes = answer.bytes.data();
  out.status = head.status;
  if (const http::Field* location = head.find("location")) out.location = head.value(*location);
  report.result = judge(target.check, head.status);
  report.output = "HTTP " + std::to_string(head.status);
  if (whole && report.result != CheckResult::critical &&
      answer.bytes.find(target.check.body_contains, head.size) == std::string::npos) {
    report.result = CheckResult::critical;
    report.output += ", but the body does not contain what it should";
  }
  co_return out;
}

}  // namespace

Task<ProbeReport> probe_http(Waker& waker, const ProbeTarget& target) {
  const conf::HealthCheck& check = target.check;
  const LoopTime deadline = waker.loop().now() + check.timeout.count();
  Ask ask{check.method, check.path, check.body};
  for (unsigned redirects = 0;; ++redirects) {
    Answer answer = co_await ask_once(waker, target, deadline, ask);
    if (!check.follow_redirects || !is_redirect(answer.status) || answer.location.empty()) co_return answer.report;
    const auto path = redirected_path(answer.location, ask.path, target.host, check.tls);
    if (!path || redirects == redirects_max) {
      answer.report.result = CheckResult::critical;
      answer.report.output += path ? ", the last of too many redirects" : " to another place, which is not asked";
      co_return answer.report;
    }
    ask.path = *path;
    if (answer.status > 303 || ask.method == "HEAD") continue;
    ask.method = "GET";  // as Go's client does, and browsers do
    ask.body.clear();
  }
}

}  // namespace gatehouse::pool
