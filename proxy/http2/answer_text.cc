#include "proxy/http2/answer_text.h"

#include <algorithm>
#include <charconv>

#include "net/encoding.h"
#include "proxy/http/chunked.h"
#include "proxy/http/field_name.h"

namespace gatehouse::http2 {
namespace {

using http::FieldId;

constexpr std::size_t status_line_least = 13;  // "HTTP/1.1 200 "

// False: it is of one connection.
bool note_field(FieldId id, std::string_view value, AnswerHead* head) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::upgrade: return false;
    case FieldId::transfer_encoding:
      if (head) head->body = AnswerHead::Body::chunked;
      return false;
    case FieldId::content_length:
      if (!head) return false;
      std::from_chars(value.data(), value.data() + value.size(), head->length);
      if (head->body == AnswerHead::Body::none) head->body = AnswerHead::Body::length;
      return true;
    case FieldId::sec_websocket_accept: return !head || head->status != 101;
    default: return true;
  }
}

}  // namespace

std::size_t read_field_lines(std::string_view lines, std::span<nghttp2_nv> table, AnswerHead* head) {
  std::size_t count = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n"), colon = lines.find(':');
    if (end == lines.npos || colon == lines.npos || colon > end) break;
    const std::string_view name = lines.substr(0, colon);
    std::string_view value = lines.substr(colon + 1, end - colon - 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    lines.remove_prefix(end + 2);
    if (!note_field(http::field_id(name), value, head)) continue;
    if (count == table.size()) return count + 1;
    table[count++] = header_field(name, value);
  }
  return count;
}

AnswerHead read_answer_head(std::string_view text, bool to_head, std::span<nghttp2_nv, answer_fields_max> table) {
  AnswerHead head;
  const std::size_t line_end = text.find("\r\n"), end = text.find("\r\n\r\n");
  if (end == text.npos || line_end < status_line_least - 1) return head;
  const std::string_view digits = text.substr(9, 3);
  std::from_chars(digits.data(), digits.data() + digits.size(), head.status);
  if (head.status < 100) return head;
  const std::string_view lines = text.substr(line_end + 2, end - line_end);
  head.fields = 1 + read_field_lines(lines, table.subspan(1), &head);
  if (head.fields > table.size()) return head;
  table[0] = header_field(":status", head.status == 101 ? "200" : digits);
  if (head.status == 101)
    head.body = AnswerHead::Body::raw;
  else if (head.status < 200 || head.status == 204 || head.status == 304 || to_head)
    head.body = AnswerHead::Body::none;
  if (head.body == AnswerHead::Body::length && head.length == 0) head.body = AnswerHead::Body::none;
  head.size = end + 4;
  return head;
}

void ChunkReader::read_size(char c) {
  if (c == '\r') return;
  if (c == '\n') {
    state_ = left_ > 0 ? State::data : State::trailers;
    return;
  }
  const int digit = hex_digit(c);
  if (digit < 0 || left_ > (~std::uint64_t{0} >> 5)) {
    state_ = State::broken;
    return;
  }
  left_ = left_ * 16 + static_cast<unsigned>(digit);
}

void ChunkReader::read_trailers(char c) {
  trailers_ += c;
  if (trailers_.size() > http::trailer_bytes_max + 4) {
    state_ = State::broken;
  } else if (trailers_ == "\r\n" || trailers_.ends_with("\r\n\r\n")) {
    trailers_.resize(trailers_.size() - 2);
    state_ = State::done;
  }
}

std::string_view ChunkReader::next(std::string_view& text, std::size_t most) {
  while (!text.empty() && state_ != State::done && state_ != State::broken) {
    if (state_ == State::data) {
      const std::string_view piece = text.substr(0, std::min<std::uint64_t>({text.size(), left_, most}));
      text.remove_prefix(piece.size());
      left_ -= piece.size();
      if (left_ == 0) state_ = State::data_end;
      return piece;
    }
    const char c = text.front();
    text.remove_prefix(1);
    if (state_ == State::size)
      read_size(c);
    else if (state_ == State::trailers)
      read_trailers(c);
    else if (c == '\n')
      state_ = State::size;
  }
  return {};
}

}  // namespace gatehouse::http2
