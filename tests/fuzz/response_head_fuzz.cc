// Whatever answer is accepted leaves as one answer: same status, a framing that the client can tell, clean lines.
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/http/framing.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/parse.h"
#include "tests/fuzz/require.h"

using namespace gatehouse::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool to_head = data[0] & 1;
  const unsigned client_minor = data[0] >> 1 & 1;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  ResponseHead head;
  const ParseState state = parse_response_head(bytes, {}, to_head, head);
  if (state == ParseState::refused) REQUIRE(head.refusal.status == 502);
  if (state != ParseState::complete) return 0;

  const Framing body = client_framing(head, client_minor);
  static std::vector<char> room(128 << 10);
  HeadWriter out(room);
  write_response_head(head,
                      {.body = body,
                       .close = body == Framing::until_close,
                       .client_minor = client_minor,
                       .pass_upgrade = head.is_upgrade,
                       .date = "D"},
                      out);
  REQUIRE(out.ok());
  REQUIRE(out.text().find("\r\n\r\n") == out.size() - 4);
  REQUIRE(out.text().find('\0') == std::string_view::npos);
  ResponseHead again;
  const ParseState second = parse_response_head(out.text(), {64 << 10, 64 << 10, fields_capacity}, to_head, again);
  REQUIRE(second == ParseState::complete);
  REQUIRE(again.size == out.size() && again.status == head.status && again.body == body);
  REQUIRE(body != Framing::length || again.content_length == head.content_length);
  REQUIRE(again.is_upgrade == head.is_upgrade);
  return 0;
}
