// Whatever request is accepted leaves as one request of the same meaning: it parses again to the same method, framing
// and length, names no field of the hop, and cutting its bytes anywhere changes nothing.
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/http/forwarded.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/parse.h"
#include "proxy/http/target.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using namespace gatehouse::http;

namespace {

void check_pieces(std::string_view bytes, std::size_t cut, ParseState whole, const RequestHead& head) {
  RequestHead again;
  const std::string first(bytes.substr(0, cut));  // elsewhere in memory, as after a move to a larger buffer
  ParseState state = parse_request_head(first, {}, again);
  if (state == ParseState::incomplete) state = parse_request_head(bytes, {}, again);
  if (whole != ParseState::incomplete && state == ParseState::incomplete) {
    REQUIRE(whole == ParseState::refused);  // a fault in a name may have to wait for its line's end
    return;
  }
  REQUIRE(state == whole);
  REQUIRE(whole != ParseState::complete || (again.size == head.size && again.field_count == head.field_count));
}

void check_lines(std::string_view text) {  // CR and LF come in pairs only, and the only empty line is the last
  for (std::size_t i = 0; i < text.size(); ++i) {
    REQUIRE(text[i] != '\0');
    REQUIRE(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
    REQUIRE(text[i] != '\r' || (i + 1 < text.size() && text[i + 1] == '\n'));
  }
  REQUIRE(text.find("\r\n\r\n") == text.size() - 4);
}

void check_written(const RequestHead& head, const RequestRewrite& rewrite) {
  static std::vector<char> room(128 << 10);
  HeadWriter out(room);
  write_request_head(head, rewrite, out);
  REQUIRE(out.ok());
  check_lines(out.text());
  RequestHead again;
  const ParseState state = parse_request_head(out.text(), {64 << 10, 64 << 10, fields_capacity}, again);
  if (head.host().empty()) {  // HTTP/1.0 without Host
    REQUIRE(state == ParseState::refused);
    return;
  }
  REQUIRE(state == ParseState::complete || again.refusal.status == 431);
  if (state != ParseState::complete) return;
  REQUIRE(again.size == out.size());
  REQUIRE(again.method() == head.method() && again.minor == 1);
  REQUIRE(again.body == head.body && again.content_length == head.content_length);
  REQUIRE(again.host() == head.host() && !again.absolute);
  REQUIRE(again.is_upgrade == (head.is_upgrade && rewrite.pass_upgrade) && again.keep_alive);
  for (const auto id : {FieldId::keep_alive, FieldId::proxy_connection, FieldId::http2_settings, FieldId::proxy})
    REQUIRE(!again.find(id));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  RequestHead head;
  const ParseState state = parse_request_head(bytes, {}, head);
  check_pieces(bytes, bytes.size() * (choice & 15) / 16, state, head);
  if (state == ParseState::refused) REQUIRE(head.refusal.status >= 400 && head.refusal.status < 600);
  if (state != ParseState::complete) return 0;
  REQUIRE(head.size <= bytes.size());
  REQUIRE(bytes.compare(head.size - 4, 4, "\r\n\r\n") == 0 || head.field_count == 0);

  const std::vector<IpPrefix> trusted{*IpPrefix::parse("10.0.0.0/8")};
  const ClientInfo client = client_of(IpAddress::v4(choice & 16 ? 10 : 192, 0, 0, 1), trusted, head);
  RequestRewrite rewrite{.pass_upgrade = (choice & 32) != 0, .client = &client, .request_id = "id"};
  rewrite.forwarded = static_cast<conf::Forwarded>(choice >> 6);
  std::vector<char> target_room(head.path().size() + 1);
  if (const auto target = normalise_target(head.path(), target_room)) {
    rewrite.target = target->forward;
    check_written(head, rewrite);
  }
  return 0;
}
