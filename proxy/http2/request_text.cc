#include "proxy/http2/request_text.h"

#include <array>

#include "net/of_thread.h"
#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"
#include "proxy/http/field_name.h"

namespace gatehouse::http2 {
namespace {

using http::all;
using http::FieldId;

struct Scratch : std::array<char, BufferPool::large> {};

bool is_name(std::string_view name) {
  if (name.empty() || !all(name, http::token_byte)) return false;
  for (const char c : name)
    if (c >= 'A' && c <= 'Z') return false;
  return true;
}

bool is_value(std::string_view value) {
  return all(value, http::value_byte) &&
         (value.empty() || (!http::is_blank(value.front()) && !http::is_blank(value.back())));
}

bool same_host(std::string_view a, std::string_view b) {
  if (http::equal_caseless(a, b)) return true;
  const auto left = http::parse_authority(a), right = http::parse_authority(b);
  return left && right && left->port == right->port && http::equal_caseless(left->host, right->host);
}

}  // namespace

void RequestText::put(std::string_view text) {
  if (refusal_ != 0) return;
  if (!text_) text_ = pool_.take();
  if (text_.append(text)) return;
  if (text_.capacity() == BufferPool::small && !pool_.full()) {
    Buffer larger = pool_.take(BufferPool::large);
    larger.append(text_.view());
    text_ = std::move(larger);
    if (text_.append(text)) return;
  }
  refusal_ = 431;
}

void RequestText::put_field(std::string_view name, std::string_view value) {
  put(name), put(": "), put(value), put("\r\n");
}

bool RequestText::add_pseudo(std::string_view name, std::string_view value) {
  Part* const part = name == ":method"      ? &method_
                     : name == ":scheme"    ? &scheme_
                     : name == ":path"      ? &path_
                     : name == ":authority" ? &authority_
                     : name == ":protocol"  ? &protocol_
                                            : nullptr;
  if (begun_ || part == nullptr || part->given || value.empty()) return false;
  if (part == &method_ || part == &protocol_ ? !all(value, http::token_byte) : !all(value, http::target_byte))
    return false;
  put({});
  *part = {text_ ? text_.size() : 0, value.size(), true};
  put(value);
  return true;
}

// The pseudo fields are known: the request line and Host take their place.
bool RequestText::begin_fields() {
  begun_ = true;
  if (refusal_ != 0) return true;
  auto& scratch = of_thread<Scratch>();
  const std::string_view raw{scratch.data(), text_ ? text_.view().copy(scratch.data(), scratch.size()) : 0};
  const auto value = [&](const Part& part) { return raw.substr(part.at, part.size); };
  if (!method_.given) return false;
  const std::string_view method = value(method_), scheme = value(scheme_), path = value(path_);
  connects_ = method == "CONNECT";
  tunnels_ = connects_ && protocol_.given;
  to_head_ = method == "HEAD";
  if (protocol_.given && !connects_) return false;
  if (connects_ && !tunnels_) {
    if (scheme_.given || path_.given || !authority_.given) return false;
  } else {
    if (!http::equals_caseless(scheme, "https") && !http::equals_caseless(scheme, "http")) return false;
    if (path.empty() || (path.front() != '/' && path != "*")) return false;
  }
  if (tunnels_ && !http::equals_caseless(value(protocol_), "websocket")) refusal_ = 501;
  text_.clear();
  put(tunnels_ ? "GET" : method), put(" ");
  put(connects_ && !tunnels_ ? value(authority_) : path);
  put(" HTTP/1.1\r\n");
  if (!authority_.given) return true;
  put("Host: ");
  host_ = {text_.size(), authority_.size, true};
  put(value(authority_)), put("\r\n");
  return true;
}

bool RequestText::add_host(std::string_view value) {
  if (host_.given) return refusal_ != 0 || same_host(text_.view().substr(host_.at, host_.size), value);
  host_ = {text_.size() + 6, value.size(), true};
  put_field("Host", value);
  return true;
}

bool RequestText::add_cookie(std::string_view value) {
  if (!cookies_) cookies_ = pool_.take();
  const std::string_view between = cookies_.empty() ? "" : "; ";
  if (cookies_.room() < between.size() + value.size()) {
    Buffer larger = pool_.take(BufferPool::large);
    larger.append(cookies_.view());
    cookies_ = std::move(larger);
  }
  if (!cookies_.append(between) || !cookies_.append(value)) refusal_ = 431;
  return true;
}

bool RequestText::add(std::string_view name, std::string_view value) {
  if (!name.empty() && name.front() == ':') return add_pseudo(name, value);
  if (!begun_ && !begin_fields()) return false;
  if (!is_name(name) || !is_value(value)) return false;
  if (++fields_ > fields_max_ && refusal_ == 0) refusal_ = 431;
  switch (http::field_id(name)) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return false;
    case FieldId::te:
      if (!http::equals_caseless(value, "trailers")) return false;
      put("TE: trailers\r\nConnection: TE\r\n");
      return true;
    case FieldId::host: return add_host(value);
    case FieldId::cookie: return refusal_ != 0 || add_cookie(value);
    case FieldId::content_length: has_length_ = true; break;
    default: break;
  }
  if (tunnels_ && (name == "sec-websocket-key" || name == "content-length")) return name != "content-length";
  put_field(name, value);
  return true;
}

bool RequestText::finish(bool ends, std::string_view key) {
  if (!begun_ && !begin_fields()) return false;
  if (tunnels_ && ends) return false;
  if (cookies_) put_field("Cookie", cookies_.view());
  cookies_.release();
  chunked_ = !ends && !tunnels_ && !connects_ && !has_length_;
  if (chunked_) put("Transfer-Encoding: chunked\r\n");
  if (tunnels_) {
    put("Connection: Upgrade\r\nUpgrade: websocket\r\n");
    put_field("Sec-WebSocket-Key", key);
  }
  put("\r\n");
  return true;
}

}  // namespace gatehouse::http2
