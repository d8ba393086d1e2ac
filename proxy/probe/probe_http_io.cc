#include <algorithm>

#include "proxy/http/chunked.h"
#include "proxy/http/parse.h"
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

// Reads on until the head stands, or the whole of the answer if its body counts. False: it never came.
Task<bool> read_answer(Stream& stream, Waker& waker, LoopTime deadline, bool whole, std::string& answer,
                       http::ResponseHead& head, ProbeReport& report) {
  char bytes[4096];
  bool complete = false;
  for (;;) {
    const IoResult got = stream.receive(bytes, sizeof bytes);
    if (got.ok()) {
      answer.append(bytes, got.size);
      if (!complete) {
        const http::ParseState state = http::parse_response_head(answer, {}, false, head);
        if (state == http::ParseState::refused) {
          report.output = std::string("malformed answer: ") + head.refusal.reason;
          co_return false;
        }
        complete = state == http::ParseState::complete;
      }
      if (complete && (!whole || answer.size() >= answer_most)) co_return true;
      continue;
    }
    if (!got.again()) {
      if (!complete) report.output = "the connection ended without an answer";
      co_return complete;
    }
    if (complete && head.body == http::Framing::length && answer.size() >= head.size + head.content_length)
      co_return true;
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
  const bool sent = co_await send_probe(stream, waker, request, deadline, report);
  if (!sent) co_return out;
  std::string answer;
  http::ResponseHead head;
  const bool whole = !target.check.body_contains.empty();
  const bool read = co_await read_answer(stream, waker, deadline, whole, answer, head, report);
  if (!read) co_return out;
  head.bytes = answer.data();
  out.status = head.status;
  if (const http::Field* location = head.find("location")) out.location = head.value(*location);
  report.result = judge(target.check, head.status);
  report.output = "HTTP " + std::to_string(head.status);
  if (whole && report.result != CheckResult::critical &&
      answer.find(target.check.body_contains, head.size) == answer.npos) {
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
