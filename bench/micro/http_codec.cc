// http_codec.cc: what one request costs in parsing and writing, without any socket.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "proxy/http/access_log.h"
#include "proxy/http/authority.h"
#include "proxy/http/chunked.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/parse.h"
#include "proxy/http/target.h"

namespace gatehouse::http {
namespace {

const std::string small_request = "GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8240\r\n\r\n";
const std::string browser_request =
    "GET /assets/app/main.4f3b2a.js?v=20261121 HTTP/1.1\r\nHost: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://www.example.com/index.html\r\nConnection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; _ga=GA1.2.1234567890.1700000000\r\n"
    "Sec-Fetch-Dest: script\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\nCache-Control: max-age=0\r\n"
    "X-Request-Id: 7b0b2b6e-1c1e-4c57-9b53-0a2f6d2f0a11\r\nDNT: 1\r\n\r\n";
const std::string answer =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.26.0\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\n"
    "Content-Length: 1024\r\nLast-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"6740-400\"\r\nAccept-Ranges: bytes\r\n\r\n";

void parse_request(benchmark::State& state, const std::string& text) {
  RequestHead head;
  for (auto _ : state) {
    head.clear();
    benchmark::DoNotOptimize(parse_request_head(text, {}, head));
  }
}
BENCHMARK_CAPTURE(parse_request, small, small_request);
BENCHMARK_CAPTURE(parse_request, browser, browser_request);

void parse_response(benchmark::State& state) {
  ResponseHead head;
  for (auto _ : state) {
    head.clear();
    benchmark::DoNotOptimize(parse_response_head(answer, {}, false, head));
  }
}
BENCHMARK(parse_response);

void write_request(benchmark::State& state, const std::string& text) {
  RequestHead head;
  parse_request_head(text, {}, head);
  std::vector<char> room(16384);
  const IpAddress peer = IpAddress::v4(192, 0, 2, 7);
  for (auto _ : state) {
    const ClientInfo client = client_of(peer, {}, head);
    HeadWriter out(room);
    write_request_head(head, {.client = &client, .port = 8080, .request_id = "0123456789abcdef0123456789abcdef"},
                       out);
    benchmark::DoNotOptimize(out.size());
  }
}
BENCHMARK_CAPTURE(write_request, small, small_request);
BENCHMARK_CAPTURE(write_request, browser, browser_request);

void write_response(benchmark::State& state) {
  ResponseHead head;
  parse_response_head(answer, {}, false, head);
  std::vector<char> room(16384);
  for (auto _ : state) {
    HeadWriter out(room);
    write_response_head(head, {.body = Framing::length}, out);
    benchmark::DoNotOptimize(out.size());
  }
}
BENCHMARK(write_response);

// A 16 KiB buffer of chunks of that size; in pass mode nothing is moved, so it can be fed again and again.
void feed_chunks(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  char head[chunk_head_bytes_max];
  char* const begin = write_chunk_head(size, head + sizeof head);
  const std::string chunk = std::string(begin, head + sizeof head) + std::string(size, 'x') + std::string(chunk_tail);
  std::string buffer;
  while (buffer.size() < 16384) buffer += chunk;
  ChunkedBody body;
  for (auto _ : state) benchmark::DoNotOptimize(body.feed(buffer.data(), buffer.size()).kept);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * buffer.size()));
}
BENCHMARK(feed_chunks)->Arg(16)->Arg(256)->Arg(4096);

void normalise(benchmark::State& state, const std::string& target) {
  std::vector<char> room(target.size() + 1);
  for (auto _ : state) benchmark::DoNotOptimize(normalise_target(target, room));
}
BENCHMARK_CAPTURE(normalise, plain, std::string("/assets/app/main.4f3b2a.js?v=20261121"));
BENCHMARK_CAPTURE(normalise, escaped, std::string("/assets/%61pp/../app/main%20file.js?v=20261121"));

void write_access_line(benchmark::State& state) {
  AccessLineWriter writer;
  AccessRecord record;
  record.node = "fd1";
  record.client_address = record.peer_address = IpAddress::v4(192, 0, 2, 7);
  record.method = "GET", record.host = "www.example.com", record.path = "/assets/app/main.4f3b2a.js?v=20261121";
  record.status = 200, record.bytes_in = 699, record.bytes_out = 1300;
  record.duration = record.connect.emplace(123), record.first_byte = Micros(99);
  record.service = "web", record.endpoint = "127.0.0.1:8001", record.attempts = 1;
  record.http_version = "HTTP/1.1", record.request_id = "0123456789abcdef0123456789abcdef";
  record.user_agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0";
  std::vector<char> room(access_line_bytes_max);
  for (auto _ : state) benchmark::DoNotOptimize(writer.write(record, room));
}
BENCHMARK(write_access_line);

}  // namespace
}  // namespace gatehouse::http
