#include "proxy/http/local_reply.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

std::string text(const LocalReply& reply) {
  return written([&](HeadWriter& out) { write_local_reply(reply, "D", out); });
}

TEST(LocalReply, TellsLengthDateAndTheEndOfTheConnection) {
  EXPECT_EQ(text({.status = 404, .body = "gone", .content_type = text_type}),
            "HTTP/1.1 404 Not Found\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n"
            "Connection: close\r\n\r\ngone");
  EXPECT_EQ(text({.status = 400}),
            "HTTP/1.1 400 Bad Request\r\nDate: D\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(text({.status = 503, .retry_after = 60s, .close = false}),
            "HTTP/1.1 503 Service Unavailable\r\nDate: D\r\nContent-Length: 0\r\nRetry-After: 60\r\n\r\n");
  EXPECT_EQ(text({.status = 302, .location = "https://a/", .close = false, .client_minor = 0, .extra = "X-A: b\r\n"}),
            "HTTP/1.1 302 Found\r\nDate: D\r\nContent-Length: 0\r\nLocation: https://a/\r\nConnection: keep-alive\r\n"
            "X-A: b\r\n\r\n");
}

TEST(LocalReply, HeadGetsTheLengthWithoutTheBody) {
  const std::string reply = text({.status = 404, .body = "gone", .to_head = true});
  EXPECT_NE(reply.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
}

TEST(LocalReply, A405SaysWhatMayBeAsked) {
  EXPECT_NE(text({.status = 405}).find("Allow: GET, HEAD,"), std::string::npos);
  EXPECT_NE(text({.status = 405, .allow = "GET"}).find("Allow: GET\r\n"), std::string::npos);
}

TEST(LocalReply, NoLengthWhereNoBodyMayBe) {
  for (const int status : {100, 204, 304})
    EXPECT_EQ(text({.status = status, .body = "x"}).find("Content-"), std::string::npos) << status;
}

TEST(LocalReply, ALocationThatWouldSplitTheHeadIsNotSent) {
  EXPECT_EQ(text({.status = 302, .location = "/a\r\nSet-Cookie: evil"}).find("evil"), std::string::npos);
}

TEST(LocalReply, EveryReplyIsAnAnswerThatWeWouldAcceptOurselves) {
  for (int status = 200; status < 600; ++status) {
    const auto parsed = response(text({.status = status, .body = "b", .retry_after = 1s}));
    ASSERT_EQ(parsed.verdict(), 0) << status;
    ASSERT_EQ(parsed.head.status, status);
    ASSERT_EQ(parsed.head.find("Server"), nullptr);
  }
}

TEST(LocalReply, PagesEscapeWhatTheClientSent) {
  char buffer[page_bytes_max];
  const auto page = html_page(404, "<script>\"'&\r\n\x01\xc3\xa9", buffer);
  EXPECT_NE(page.find("<title>404 Not Found</title>"), std::string::npos);
  EXPECT_NE(page.find("<p>&lt;script&gt;&quot;&#39;&amp;???\xc3\xa9</p>"), std::string::npos);
  EXPECT_TRUE(html_page(404, std::string(5000, '"'), buffer).ends_with("</html>\n"));
}

}  // namespace
}  // namespace gatehouse::http
