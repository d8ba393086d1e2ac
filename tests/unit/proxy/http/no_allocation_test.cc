// What happens on every request allocates nothing: counted by this program's own operator new.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "proxy/http/access_log.h"
#include "proxy/http/chunked.h"
#include "proxy/http/local_reply.h"
#include "proxy/http/request_id.h"
#include "proxy/http/target.h"
#include "tests/unit/proxy/http/heads.h"

namespace {
std::atomic<std::size_t> allocations = 0;
}

// Not inlined: GCC takes the malloc within for a mismatch of new and free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace gatehouse::http {
namespace {

TEST(HotPath, ARequestThereAndBackAllocatesNothing) {
  const std::string request_text =
      "POST /%61/../b?c HTTP/1.1\r\nHost: Front.test\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.2\r\n"
      "Connection: x-hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  std::string body = "5;a\r\nhello\r\n0\r\n\r\n", bad = "GET /a#b HTTP/1.1\r\n\r\n";
  const std::vector<IpPrefix> trusted{*IpPrefix::parse("10.0.0.0/8")};
  const IpAddress peer = *IpAddress::parse("10.0.0.1");
  std::vector<char> room(access_line_bytes_max), target_room(100);
  AccessLineWriter log;
  HttpDate date;
  RequestHead request_head, refused;
  ResponseHead answer_head;
  char page[page_bytes_max];

  const std::size_t before = allocations.load();
  ASSERT_EQ(parse_request_head(request_text, {}, request_head), ParseState::complete);
  ASSERT_EQ(parse_request_head(bad, {}, refused), ParseState::refused);
  const ClientInfo client = client_of(peer, trusted, request_head);
  const auto target = normalise_target(request_head.path(), target_room);
  const RequestId id = make_request_id(1, 2);
  HeadWriter request_out(room);
  write_request_head(request_head, {.target = target->forward, .client = &client, .request_id = view(id)},
                     request_out);
  ASSERT_TRUE(ChunkedBody().feed(body.data(), body.size()).done);
  ASSERT_EQ(parse_response_head(answer_text, {}, false, answer_head), ParseState::complete);
  HeadWriter answer_out(room);
  write_response_head(answer_head, {.body = Framing::length, .date = date.at(WallTime(1s))}, answer_out);
  HeadWriter reply_out(room);
  write_local_reply({.status = 400, .body = html_page(400, request_head.path(), page)}, "D", reply_out);
  AccessRecord record;
  record.path = request_head.path();
  ASSERT_GT(log.write(record, room), 0u);
  EXPECT_EQ(allocations.load(), before);
}

TEST(HotPath, TheCountIsReal) {
  const std::size_t before = allocations.load();
  ::operator delete(::operator new(1));  // a new-expression might be optimised away
  EXPECT_EQ(allocations.load(), before + 1);
}

}  // namespace
}  // namespace gatehouse::http
