// The fields of strangers that decide what of a file is sent, and how: whatever they say, there is one verdict,
// codings are ours, each once, none that was refused; and a name below the folder leads neither out nor to what is
// hidden.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "proxy/compress/plan.h"
#include "proxy/files/file_head.h"
#include "proxy/files/file_path.h"
#include "proxy/http/accept_encoding.h"
#include "proxy/http/http_date.h"
#include "proxy/http/parse.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;

namespace {

constexpr conf::ContentCoding ours[] = {conf::ContentCoding::zstd, conf::ContentCoding::brotli,
                                        conf::ContentCoding::gzip};

void check_codings(const http::AcceptedCodings& accepted) {
  const http::CodingList list = http::rank_codings(accepted, ours);
  unsigned before = 1000;
  std::set<conf::ContentCoding> seen;
  for (const conf::ContentCoding coding : list.list()) {
    REQUIRE(accepted.of(coding) > 0 && accepted.of(coding) <= before && accepted.of(coding) >= accepted.identity);
    REQUIRE(seen.insert(coding).second);
    before = accepted.of(coding);
  }
}

void check_path(std::string_view path) {
  std::vector<char> room(files::path_bytes_max);
  const auto found = files::file_path(path, room);
  if (!found || found->name.empty()) return;
  REQUIRE(found->name.size() <= files::path_bytes_max && found->name.find('\0') == std::string_view::npos);
  std::string_view rest = found->name;
  bool first = true;
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    REQUIRE(!segment.empty() && segment.size() <= files::name_bytes_max);
    REQUIRE(segment.front() != '.' || (first && segment == ".well-known"));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    first = false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_path(text);
  check_codings(http::parse_accept_encoding(text));
  if (const auto second = http::parse_http_date(text, 1'796'000'000)) {
    http::HttpDateText room;
    REQUIRE(http::parse_http_date(http::write_http_date(*second, room), 1'796'000'000) == second);
  }
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n" + text + "\r\n\r\n";
  http::RequestHead head;
  if (http::parse_request_head(request, {}, head) != http::ParseState::complete) return 0;
  check_codings(http::accepted_codings(head));
  files::FileFacts facts;
  facts.name = "a.txt";
  facts.size = 1000;
  facts.modified_ns = 784'111'777'000'000'000;
  const files::FileAnswer answer = files::judge_file(head, facts, 1'796'000'000);
  const bool known = answer.status == 200 || answer.status == 206 || answer.status == 304 || answer.status == 412 ||
                     answer.status == 416;
  REQUIRE(known && answer.ranges.count <= files::ranges_max);
  const files::Byteranges parts(7, answer.type, facts.size);
  std::vector<char> room(4 << 10);
  http::HeadWriter out(room);
  files::write_file_fields(answer, facts, parts, out);
  REQUIRE(out.ok());
  conf::Compress policy;
  policy.codings = {std::begin(ours), std::end(ours)};
  const compress::Plan plan = compress::plan_file(policy, head, "text/plain", 5000);
  REQUIRE(plan.varies && (!plan.coding || http::accepted_codings(head).of(*plan.coding) > 0));
  return 0;
}
