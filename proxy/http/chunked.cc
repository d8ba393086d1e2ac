#include "proxy/http/chunked.h"

#include <algorithm>
#include <cstring>

#include "proxy/http/bytes.h"
#include "proxy/http/field_name.h"
#include "proxy/http/parse.h"

namespace gatehouse::http {

struct ChunkedBody::Cursor {
  const char* in;
  const char* end;
  char* out;
  std::size_t held;         // of a trailer's name, since before these bytes
  std::size_t before = 0;   // of what was kept, in front of them
  std::size_t trailer = 0;  // bytes of it that were kept

  void keep(std::size_t size) {
    if (out != in) std::memmove(out, in, size);
    in += size, out += size;
  }
  // What was held back. Nothing is kept yet of these bytes if it began before them.
  void put(std::string_view name) {
    before += held;
    out -= held;
    out += name.copy(out, name.size());
  }
};

namespace {

// Fields that must not come behind a body: by then their meaning has been acted on (RFC 9110 6.5.1).
bool may_be_trailer(FieldId id) {
  switch (id) {
    case FieldId::host:
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::transfer_encoding:
    case FieldId::expect:
    case FieldId::upgrade:
    case FieldId::te:
    case FieldId::keep_alive:
    case FieldId::trailer:
    case FieldId::proxy_connection:
    case FieldId::http2_settings:
    case FieldId::proxy:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_proto:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_port:
    case FieldId::x_forwarded_other:
    case FieldId::x_real_ip:
    case FieldId::x_client_ip:
    case FieldId::x_cluster_client_ip:
    case FieldId::true_client_ip:
    case FieldId::cf_connecting_ip:
    case FieldId::x_original_url:
    case FieldId::x_rewrite_url:
    case FieldId::forwarded:
    case FieldId::x_request_id:
    case FieldId::authorization:
    case FieldId::proxy_authorization:
    case FieldId::proxy_authenticate:
    case FieldId::www_authenticate:
    case FieldId::cookie:
    case FieldId::set_cookie:
    case FieldId::max_forwards:
    case FieldId::cache_control:
    case FieldId::content_encoding:
    case FieldId::content_type:
    case FieldId::content_range:
    case FieldId::range:
    case FieldId::location: return false;
    default: return true;
  }
}

}  // namespace

bool TrailerGuard::drops(std::string_view name) const {
  if (odd_names && name.find_first_of("_.") != std::string_view::npos) return true;
  if (rules != nullptr && rules->drops(name)) return true;
  return names != nullptr &&
         std::ranges::any_of(*names, [&](const std::string& each) { return conf::same_field(each, name); });
}

const char* ChunkedBody::size_digit(char c) {
  const int digit = hex_digit(c);
  if (digit >= 0) {
    if (++digits_ > chunk_size_digits_max) return "a chunk size of too many digits";
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    state_ = State::size_digits;
    return nullptr;
  }
  if (state_ == State::size_start) return "no chunk size";
  if (left_ > body_bytes_max) return "a chunk beyond any body";
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (c == ';') {
    state_ = State::extension_start;
  } else if (is_blank(c)) {
    state_ = State::blank_before_extension;
  } else {
    return "a chunk size that is no hexadecimal number";
  }
  return nullptr;
}

// The rest of the size line. Its extension is checked for the bytes it may hold and no further: it is dropped.
const char* ChunkedBody::size_line(char c) {
  if (state_ == State::size_lf) {
    if (c != '\n') return "CR without LF behind a chunk size";
    state_ = left_ > 0 ? State::data : State::trailer_start;
    digits_ = 0, extension_ = 0;
    return nullptr;
  }
  if (++extension_ > chunk_extension_bytes_max) return "a chunk extension too long";
  if (state_ == State::blank_before_extension) {
    if (c == ';') state_ = State::extension_start;
    return c == ';' || is_blank(c) ? nullptr : "white space behind a chunk size";
  }
  if (state_ == State::extension_start) {
    if (is(c, token_byte)) state_ = State::extension;
    return is(c, token_byte) || is_blank(c) ? nullptr : "a chunk extension without a name";
  }
  if (c == '\r') state_ = State::size_lf;
  return c == '\r' || is(c, value_byte) ? nullptr : "a control byte in a chunk extension";
}

// A name is held back until its end, where it is known whether it passes.
const char* ChunkedBody::trailer_name(char c, Cursor& at) {
  if (is(c, token_byte)) {
    if (name_size_ == name_.size()) return "a trailer's name too long";
    name_[name_size_++] = c;
    ++at.in;
    return nullptr;
  }
  const std::string_view name(name_.data(), name_size_);
  if (c != ':' || name.empty()) return "a trailer line that is no field";
  if (!may_be_trailer(field_id(name))) return "a trailer that must be in the head";
  leaves_out_ = mode_ == Mode::decode || guard_.drops(name);
  state_ = State::trailer_value;
  if (!leaves_out_) {
    at.put(name);
    at.trailer += name.size();
  }
  at.held = 0;
  keep_trailer(at);
  return nullptr;
}

void ChunkedBody::keep_trailer(Cursor& at) {
  if (leaves_out_) {
    ++at.in;
    return;
  }
  at.keep(1);
  ++at.trailer;
}

const char* ChunkedBody::trailer(char c, Cursor& at) {
  if (++trailer_ > trailer_bytes_max + 2) return "trailers too large";  // the blank line is not counted
  switch (state_) {
    case State::trailer_start:
      if (c == '\r') {
        state_ = State::last_lf;
        break;
      }
      name_size_ = 0;
      state_ = State::trailer_name;
      [[fallthrough]];
    case State::trailer_name: return trailer_name(c, at);
    case State::trailer_value:
      if (c == '\r') state_ = State::trailer_lf;
      keep_trailer(at);
      return c == '\r' || is(c, value_byte) ? nullptr : "a control byte in a trailer";
    case State::trailer_lf:
      state_ = State::trailer_start;
      keep_trailer(at);
      return c == '\n' ? nullptr : "CR without LF in a trailer";
    default:
      state_ = State::done;
      if (c != '\n') return "CR without LF behind the trailers";
  }
  mode_ == Mode::pass ? at.keep(1) : void(++at.in);  // the line that ends it all
  return nullptr;
}

void ChunkedBody::data(Cursor& at) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, at.end - at.in));
  at.keep(size);
  left_ -= size;
  payload_ += size;
  if (left_ == 0) state_ = State::data_cr;
}

// Reads at least one byte.
const char* ChunkedBody::step(Cursor& at) {
  const char c = *at.in;
  const char* fault = nullptr;
  bool keep = true;
  switch (state_) {
    case State::data: data(at); return nullptr;
    case State::size_start:
    case State::size_digits:
      fault = size_digit(c);
      keep = state_ == State::size_digits || state_ == State::size_lf;
      break;
    case State::blank_before_extension:
    case State::extension_start:
    case State::extension:
    case State::size_lf:
      fault = size_line(c);
      keep = c == '\r' || c == '\n';  // all of an extension but its end is dropped
      break;
    case State::data_cr:
      if (c != '\r') fault = "a chunk longer than its size";
      state_ = State::data_lf;
      break;
    case State::data_lf:
      if (c != '\n') fault = "CR without LF behind a chunk";
      state_ = State::size_start;
      break;
    default: return trailer(c, at);
  }
  if (keep && mode_ == Mode::pass)
    at.keep(1);
  else
    ++at.in;
  return fault;
}

ChunkedBody::Fed ChunkedBody::feed(char* data, std::size_t size) {
  Cursor at{data, data + size, data, state_ == State::trailer_name ? name_size_ : std::size_t{0}};
  Fed fed;
  if (state_ == State::faulty) fed.fault = "the body was faulty before";
  while (at.in != at.end && state_ != State::done && !fed.fault) fed.fault = step(at);
  if (fed.fault) state_ = State::faulty;
  fed.consumed = static_cast<std::size_t>(at.in - data);
  fed.before = at.before;
  fed.kept = static_cast<std::size_t>(at.out - data) + at.before;
  fed.trailer = at.trailer;
  fed.done = state_ == State::done;
  return fed;
}

char* write_chunk_head(std::uint64_t size, char* data) {
  constexpr char digits[] = "0123456789abcdef";
  *--data = '\n';
  *--data = '\r';
  do *--data = digits[size & 15];
  while (size >>= 4);
  return data;
}

}  // namespace gatehouse::http
