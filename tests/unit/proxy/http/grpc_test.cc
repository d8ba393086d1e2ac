#include "proxy/http/grpc.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "proxy/http/local_reply.h"

namespace gatehouse::http {
namespace {

TEST(Grpc, IsToldByItsContentType) {
  for (const char* type :
       {"application/grpc", "application/grpc+proto", "Application/gRPC; x=y", "application/grpc "})
    EXPECT_TRUE(is_grpc(type)) << type;
  for (const char* type :
       {"", "application/json", "application/grpc-web", "application/grpc-web+proto", "application/grp"})
    EXPECT_FALSE(is_grpc(type)) << type;
}

TEST(Grpc, ALocalReplyIsAHeadWithAStatusOfGrpc) {
  std::array<char, 2048> room;
  HeadWriter out(room);
  LocalReply reply;
  reply.status = 503;
  reply.to_grpc = true;
  reply.detail = "100% of it, \xc3\xa4";
  reply.body = "a page";
  reply.close = false;
  write_local_reply(reply, "now", out);
  EXPECT_EQ(out.text(),
            "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n"
            "grpc-status: 14\r\ngrpc-message: 503 Service Unavailable: 100%25 of it, %C3%A4\r\n\r\n");
}

}  // namespace
}  // namespace gatehouse::http
