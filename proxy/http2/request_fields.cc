#include "proxy/http2/request_fields.h"

#include <charconv>

#include "proxy/http2/head_lines.h"

namespace gatehouse::http2 {

using http::FieldId;

void RequestFields::put(std::string_view name, std::string_view value) {
  if (count_ == field_.size())
    overflow_ = true;
  else
    field_[count_++] = header_field(name, value);
}

bool RequestFields::read_line(std::string_view line, std::string_view& method, std::string_view& target) {
  constexpr std::string_view version = " HTTP/1.1";
  const auto space = line.find(' ');
  if (space == std::string_view::npos || !line.ends_with(version)) return false;
  method = line.substr(0, space);
  line.remove_suffix(version.size());
  if (line.size() <= space + 1) return false;
  target = line.substr(space + 1);
  return true;
}

void RequestFields::read_field(std::string_view name, std::string_view value) {
  switch (http::field_id(name)) {
    case FieldId::host: host_ = value; return;
    case FieldId::upgrade: upgrade_ = value; return;
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::http2_settings: return;
    case FieldId::transfer_encoding: facts_.body = http::Framing::chunked; return;
    case FieldId::te:
      if (http::equals_caseless(value, "trailers")) put("te", "trailers");
      return;
    case FieldId::content_length:
      std::from_chars(value.data(), value.data() + value.size(), facts_.length);
      facts_.body = http::Framing::length;
      break;
    case FieldId::sec_websocket_key:
      facts_.websocket_key = value;
      if (facts_.websocket) return;
      break;
    default: break;
  }
  put(name, value);
}

bool RequestFields::read(std::string_view head, std::string_view scheme, bool websocket) {
  std::string_view method, target;
  if (!head.ends_with(head_end) || !read_line(next_line(head), method, target)) return false;
  each_field(head, [this](std::string_view name, std::string_view value) {
    const FieldId id = http::field_id(name);
    if (id == FieldId::host || id == FieldId::upgrade) read_field(name, value);
  });
  facts_.websocket = websocket && http::equals_caseless(upgrade_, "websocket");
  facts_.to_head = method == "HEAD";
  put(":method", facts_.websocket ? "CONNECT" : method);
  put(":scheme", scheme);
  put(":path", target);
  if (!host_.empty()) put(":authority", host_);
  if (facts_.websocket) put(":protocol", "websocket");
  each_field(head, [this](std::string_view name, std::string_view value) { read_field(name, value); });
  return !overflow_;
}

}  // namespace gatehouse::http2
