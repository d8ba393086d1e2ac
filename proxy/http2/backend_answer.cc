#include "proxy/http2/backend_answer.h"

#include <openssl/evp.h>

#include "net/encoding.h"
#include "proxy/http/bytes.h"
#include "proxy/http/chunked.h"
#include "proxy/http/grpc.h"
#include "proxy/http/local_reply.h"

namespace gatehouse::http2 {
namespace {

using http::FieldId;

constexpr unsigned interims_most = 100;
constexpr std::size_t length_digits_max = 15;

void put_field(std::string_view name, std::string_view value, ByteQueue& out) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

bool is_clean(std::string_view name, std::string_view value) {
  return !name.empty() && http::all(name, http::token_byte) && http::all(value, http::value_byte);
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const std::string text = std::string(key) + std::string(guid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64({reinterpret_cast<const char*>(digest), size});
}

void BackendAnswer::set_request(bool to_head, std::string_view granted_websocket_accept) {
  to_head_ = to_head;
  accept_ = granted_websocket_accept;
}

bool BackendAnswer::take_status(std::string_view value, ByteQueue& out) {
  begin_section();
  if (value.size() != 3 || !http::is_digit(value[0]) || !http::is_digit(value[1]) || !http::is_digit(value[2]))
    return false;
  for (const char c : value) status_ = status_ * 10 + (c - '0');
  if (status_ < 100 || status_ == 101) return false;
  tunnel_ = !accept_.empty() && status_ >= 200 && status_ < 300;
  const int told = tunnel_ ? 101 : status_;
  const std::string_view reason = http::reason_phrase(told);
  const char digits[] = {static_cast<char>('0' + told / 100), static_cast<char>('0' + told / 10 % 10),
                         static_cast<char>('0' + told % 10)};
  out.append("HTTP/1.1 ");
  out.append({digits, sizeof digits});
  out.append(" ");
  out.append(reason == http::reason_phrase(0) ? std::string_view() : reason);
  out.append("\r\n");
  return !interim() || ++interims_ <= interims_most;
}

bool BackendAnswer::add_to_head(std::string_view name, std::string_view value, ByteQueue& out) {
  section_bytes_ += name.size() + value.size() + 4;
  if (name == ":status") return take_status(value, out);
  if (status_ == 0 || section_bytes_ > answer_head_bytes_max || !is_clean(name, value)) return false;
  const FieldId id = http::field_id(name);
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::te: return false;  // of one connection (RFC 9113 8.2.2)
    case FieldId::content_length:
      if (value.empty() || value.size() > length_digits_max || (!length_.empty() && length_ != value)) return false;
      length_ = value;
      return true;
    case FieldId::trailer: may_have_trailers_ = true; break;
    case FieldId::content_type: may_have_trailers_ |= http::is_grpc(value); break;
    default: break;
  }
  put_field(name, value, out);
  return true;
}

void BackendAnswer::put_framing(bool last, ByteQueue& out) {
  const bool never_a_body = status_ == 204 || status_ == 304 || to_head_;
  if (never_a_body) {
    body_ = AnswerBody::none;
    if (!length_.empty() && status_ != 204) put_field("content-length", length_, out);
  } else if (last) {
    body_ = AnswerBody::none;
    put_field("content-length", "0", out);
  } else if (!length_.empty() && !may_have_trailers_) {
    body_ = AnswerBody::length;
    put_field("content-length", length_, out);
  } else {
    body_ = AnswerBody::chunked;
    put_field("transfer-encoding", "chunked", out);
  }
}

bool BackendAnswer::end_head(bool last, ByteQueue& out) {
  if (status_ == 0 || (interim() && last)) return false;
  if (tunnel_) {
    body_ = AnswerBody::tunnel;
    put_field("upgrade", "websocket", out);
    put_field("connection", "Upgrade", out);
    put_field("sec-websocket-accept", accept_, out);
  } else if (!interim()) {
    put_framing(last, out);
  }
  out.append("\r\n");
  has_head_ = !interim();
  if (!has_head_) begin_section();
  return true;
}

bool BackendAnswer::add_to_trailers(std::string_view name, std::string_view value, ByteQueue& out) {
  if (!in_trailers_) section_bytes_ = 0;
  section_bytes_ += name.size() + value.size() + 4;
  if (section_bytes_ > http::trailer_bytes_max || !is_clean(name, value)) return false;
  if (body_ != AnswerBody::chunked) return true;
  if (!in_trailers_) out.append("0\r\n");
  in_trailers_ = true;
  put_field(name, value, out);
  return true;
}

void BackendAnswer::end_body(ByteQueue& out) {
  if (body_ == AnswerBody::chunked) out.append(in_trailers_ ? "\r\n" : "0\r\n\r\n");
}

}  // namespace gatehouse::http2
