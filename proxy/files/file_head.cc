#include "proxy/files/file_head.h"

#include <charconv>

#include "conf/content_values.h"
#include "proxy/files/media_type.h"
#include "proxy/http/conditional.h"
#include "proxy/http/http_date.h"

namespace gatehouse::files {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::int64_t modified_second(const FileFacts& file) {
  const std::int64_t second = file.modified_ns / second_ns;
  return second < 0 ? 0 : second;
}

void put_hex(std::uint64_t value, http::HeadWriter& out) {
  char digits[16];
  out.put({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value, 16).ptr - digits)});
}

}  // namespace

std::string_view make_etag(const FileFacts& file, std::span<char, etag_bytes_max> room) {
  http::HeadWriter out(room);
  out.put(file.compressed ? "W/\"" : "\"");
  put_hex(static_cast<std::uint64_t>(file.modified_ns), out);
  out.put("-");
  put_hex(file.size, out);
  if (file.coding) out.put("-"), out.put(conf::name_of(*file.coding));
  out.put("\"");
  return out.text();
}

FileAnswer judge_file(const http::RequestHead& head, const FileFacts& file, std::int64_t now) {
  FileAnswer answer;
  answer.type = media_type(file.name);
  answer.sized = !file.compressed;
  answer.length = file.size;
  std::array<char, etag_bytes_max> etag;
  const http::Validators is{make_etag(file, etag), modified_second(file), now};
  switch (http::judge_conditions(head, is)) {
    case http::Precondition::not_modified: answer.status = 304; return answer;
    case http::Precondition::failed: answer.status = 412; return answer;
    case http::Precondition::go_on: break;
  }
  const http::Field* range = head.find(http::FieldId::range);
  const bool applies = range != nullptr && head.method_id == http::Method::get && answer.sized;
  if (!applies || !http::range_applies(head, is)) return answer;
  answer.ranges = parse_ranges(head.value(*range), file.size);
  if (answer.ranges.kind == Ranges::Kind::some) answer.status = 206;
  if (answer.ranges.kind == Ranges::Kind::none) answer.status = 416;
  return answer;
}

std::uint64_t body_length(const FileAnswer& answer, const Byteranges& parts) {
  if (answer.status != 206) return answer.length;
  return answer.ranges.count == 1 ? answer.ranges.each[0].size : parts.length(answer.ranges.list());
}

void write_file_fields(const FileAnswer& answer, const FileFacts& file, const Byteranges& parts,
                       http::HeadWriter& out) {
  std::array<char, 80> text;
  const bool has_body = answer.status == 200 || answer.status == 206;
  const bool several = answer.status == 206 && answer.ranges.count > 1;
  if (several) {
    out.put("Content-Type: multipart/byteranges; boundary=");
    out.put(parts.boundary());
    out.put("\r\n");
  } else if (has_body) {
    out.field("Content-Type", answer.type);
  }
  if (has_body) {
    if (answer.sized)
      out.field("Content-Length", body_length(answer, parts));
    else if (answer.status == 200)
      out.put("Transfer-Encoding: chunked\r\n");
    http::HttpDateText date;
    out.field("Last-Modified", http::write_http_date(modified_second(file), date));
    if (answer.sized) out.put("Accept-Ranges: bytes\r\n");
    if (const auto coding = file.coding ? file.coding : file.compressed)
      out.field("Content-Encoding", conf::name_of(*coding));
  }
  if (answer.status == 206 && !several)
    out.field("Content-Range", content_range(answer.ranges.each[0], file.size, text));
  std::array<char, etag_bytes_max> etag;
  out.field("ETag", make_etag(file, etag));
  if (!file.control.empty()) out.field("Cache-Control", file.control);
  if (file.varies) out.put("Vary: Accept-Encoding\r\n");
}

std::string_view cache_control(const conf::Files& policy, std::string_view name) {
  const std::string_view last = name.substr(name.rfind('/') + 1);
  for (const conf::CacheRule& rule : policy.cache) {
    const std::string_view pattern = rule.pattern;
    const bool by_path = pattern.find('/') != std::string_view::npos;
    const std::string_view below = pattern.starts_with('/') ? pattern.substr(1) : pattern;
    if (conf::fits_pattern(by_path ? name : last, below)) return rule.control;
  }
  return {};
}

}  // namespace gatehouse::files
