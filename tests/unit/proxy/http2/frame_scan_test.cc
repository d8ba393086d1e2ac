#include "proxy/http2/frame_scan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse::http2 {
namespace {

using namespace std::string_literals;

const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string heads(const std::string& bytes, std::size_t piece) {
  FrameScan scan;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view some = std::string_view(bytes).substr(at, piece);
    while (!some.empty()) {
      bool begun = false;
      some.remove_prefix(scan.next(some, begun));
      const FrameHead& head = scan.head();
      if (begun)
        out += std::to_string(head.type) + "/" + std::to_string(head.size) + "/" + std::to_string(head.stream) + "/" +
               std::to_string(head.depends_on) + " ";
    }
  }
  return out;
}

TEST(FrameScan, FindsTheSameFramesInAnyPieces) {
  const std::string bytes = preface + "\0\0\0\4\0\0\0\0\0"s + "\0\0\3\0\1\0\0\0\5abc"s +
                            "\0\0\5\2\0\0\0\0\7\0\0\0\7x"s + "\0\0\2\2\0\0\0\0\7xx"s +
                            "\0\0\4\10\0\200\0\0\0\0\0\0\1"s;
  for (const std::size_t piece : {1, 2, 3, 7, 100})
    EXPECT_EQ(heads(bytes, piece), "4/0/0/-1 0/3/5/-1 2/5/7/7 2/2/7/-1 8/4/0/-1 ") << piece;
}

}  // namespace
}  // namespace gatehouse::http2
