#include "proxy/http/parse.h"

#include <algorithm>
#include <cstring>

#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

// What a fault in the parts that both kinds of head share is answered with.
constexpr int bad_message = 400;

ParseState refuse(MessageHead& head, int status, const char* reason) {
  head.refusal = {status, reason};
  return ParseState::refused;
}
bool fault(MessageHead& head, int status, const char* reason) {
  head.refusal = {status, reason};
  return false;
}

Slice slice_of(const MessageHead& head, std::string_view part) {
  return {static_cast<std::uint32_t>(part.data() - head.bytes), static_cast<std::uint32_t>(part.size())};
}

// ---- what a field says; each returns false with head.refusal set

bool read_length(MessageHead& head, std::string_view value) {
  constexpr std::size_t digits_max = 19;  // 2^62 has 19
  if (value.empty() || value.size() > digits_max) return fault(head, bad_message, "Content-Length is no number");
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return fault(head, bad_message, "Content-Length is no number");
    length = length * 10 + static_cast<unsigned>(c - '0');
  }
  if (length > body_bytes_max) return fault(head, bad_message, "Content-Length is beyond any body");
  head.has_content_length = true;
  head.content_length = length;
  return true;
}

// Names that a sender must not list in Connection (RFC 9110 7.6.1): dropping them would change what is framed, where
// it goes or who is believed to ask.
bool may_be_connection_option(FieldId id) {
  switch (id) {
    case FieldId::other:
    case FieldId::upgrade:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::http2_settings:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization: return true;
    default: return false;
  }
}

bool read_connection(MessageHead& head, std::string_view list) {
  while (!list.empty()) {
    const std::string_view option = next_element(list);
    if (option.empty()) continue;
    if (!all(option, token_byte)) return fault(head, bad_message, "Connection holds no list of tokens");
    if (equals_caseless(option, "close")) {
      head.says_close = true;
      continue;
    }
    const FieldId id = field_id(option);
    if (!may_be_connection_option(id)) return fault(head, bad_message, "Connection names a field it must not");
    head.says_keep_alive |= id == FieldId::keep_alive;
    head.says_upgrade |= id == FieldId::upgrade;
    head.says_te |= id == FieldId::te;
    if (id == FieldId::other && ++head.named > connection_options_max)
      return fault(head, bad_message, "Connection names too many fields");
  }
  return true;
}

bool read_transfer_encoding(MessageHead& head, std::string_view value, int unknown_coding) {
  if (value.empty()) return fault(head, bad_message, "Transfer-Encoding is empty");
  if (!equals_caseless(value, "chunked")) return fault(head, unknown_coding, "Transfer-Encoding is not chunked");
  head.body = Framing::chunked;
  return true;
}

bool read_te(RequestHead& head, std::string_view list) {
  while (!list.empty()) head.te_trailers |= equals_caseless(next_element(list), "trailers");
  return true;
}

bool read_keep_alive(ResponseHead& head, std::string_view list) {
  while (!list.empty()) {
    const std::string_view element = next_element(list);
    if (!starts_caseless(element, "timeout=")) continue;
    unsigned seconds = 0;
    for (const char c : element.substr(8)) {
      if (!is_digit(c) || seconds > 100'000'000) break;
      seconds = seconds * 10 + static_cast<unsigned>(c - '0');
    }
    head.keep_alive_seconds = seconds;
  }
  return true;
}

// Called for each field as it is read, before it is counted as the first of its name.
bool read_field(RequestHead& head, const Field& f) {
  const bool again = head.find(f.id) != nullptr;
  const std::string_view value = head.value(f);
  switch (f.id) {
    case FieldId::host: return !again || fault(head, 400, "more than one Host");
    case FieldId::content_length:
      if (again) return fault(head, 400, "more than one Content-Length");
      return read_length(head, value);
    case FieldId::transfer_encoding:
      if (again) return fault(head, 400, "more than one Transfer-Encoding");
      return read_transfer_encoding(head, value, 501);
    case FieldId::connection: return read_connection(head, value);
    case FieldId::expect:
      if (!equals_caseless(value, "100-continue")) return fault(head, 417, "Expect is not 100-continue");
      head.expect_continue = true;
      return true;
    case FieldId::te: return read_te(head, value);
    default: return true;
  }
}

bool read_field(ResponseHead& head, const Field& f) {
  const bool again = head.find(f.id) != nullptr;
  const std::string_view value = head.value(f);
  switch (f.id) {
    case FieldId::content_length: {
      const std::uint64_t before = head.content_length;
      if (!read_length(head, value)) return false;
      return !again || before == head.content_length || fault(head, 502, "two different Content-Lengths");
    }
    case FieldId::transfer_encoding:
      if (again) return fault(head, 502, "more than one Transfer-Encoding");
      return read_transfer_encoding(head, value, 502);
    case FieldId::connection: return read_connection(head, value);
    case FieldId::keep_alive: return read_keep_alive(head, value);
    default: return true;
  }
}

constexpr bool is_read(FieldId id) { return id >= FieldId::host && id <= FieldId::keep_alive; }

// ---- field lines

enum class Line { field, blank, cut, refused };

Line refuse_line(MessageHead& head, int status, const char* reason) {
  head.refusal = {status, reason};
  return Line::refused;
}

Line refuse_name(MessageHead& head, const char* line, const char* at) {
  if (*at == '\r' || *at == '\n') return refuse_line(head, bad_message, "a field line without a colon");
  if (!is_blank(*at)) return refuse_line(head, bad_message, "a byte that no field name may hold");
  return refuse_line(head, bad_message, at == line ? "a folded line" : "white space before a colon");
}

Line refuse_value(MessageHead& head, char at) {
  if (at == '\n') return refuse_line(head, bad_message, "LF without CR");
  return refuse_line(head, bad_message, at == '\r' ? "CR without LF" : "a control byte in a field value");
}

// Reads the line at p into the next free field; p moves behind it.
inline Line read_line(MessageHead& head, const char*& p, const char* end) {
  const char* const line = p;
  if (p == end) return Line::cut;
  if (*p == '\r') {
    if (end - p < 2) return Line::cut;
    if (p[1] != '\n') return refuse_line(head, bad_message, "CR without LF");
    p += 2;
    return Line::blank;
  }
  bool odd = false;
  const char* const colon = skip_name(p, end, odd);
  if (colon == end) return Line::cut;
  if (*colon != ':') return refuse_name(head, line, colon);
  if (colon == line) return refuse_line(head, bad_message, "an empty field name");
  const char* value = colon + 1;
  while (value != end && is_blank(*value)) ++value;
  const char* const stop = skip_value(head.bytes, value, end);
  if (stop == end || (*stop == '\r' && end - stop < 2)) return Line::cut;
  if (*stop != '\r' || stop[1] != '\n') return refuse_value(head, *stop);
  const char* last = stop;
  while (last != value && is_blank(last[-1])) --last;
  const auto name_size = static_cast<std::size_t>(colon - line);
  if (name_size > field_name_bytes_max) return refuse_line(head, 431, "a field name too long");

  Field& f = head.field[head.field_count];
  f.name = static_cast<std::uint32_t>(line - head.bytes);
  f.value = static_cast<std::uint32_t>(value - head.bytes);
  f.value_size = static_cast<std::uint32_t>(last - value);
  f.name_size = static_cast<std::uint16_t>(name_size);
  f.id = field_id({line, name_size});
  f.drop = odd && head.drops_odd_names;
  p = stop + 2;
  return Line::field;
}

template <class Head>
ParseState read_fields(std::string_view bytes, const HeadLimits& limits, Head& head) {
  if (bytes.size() < std::max(head.cursor, head.searched)) return ParseState::incomplete;
  const unsigned fields_max = std::min(limits.fields_max, fields_capacity);
  const std::size_t section_end = std::size_t{head.fields_at} + limits.field_bytes_max;
  const char* const end = bytes.data() + std::min(bytes.size(), section_end + 2);  // the blank line is not counted
  const char* p = bytes.data() + head.cursor;
  // A line that was cut is read again only once something in its new bytes may end it.
  const char* const unsearched = bytes.data() + std::max(head.cursor, head.searched);
  Line line = Line::cut;
  if (unsearched == p || skip_value(p, unsearched, end) != end)
    for (;;) {
      if (head.field_count == fields_max && p != end && *p != '\r') return refuse(head, 431, "too many fields");
      line = read_line(head, p, end);
      if (line != Line::field) break;
      if (p > bytes.data() + section_end) return refuse(head, 431, "fields too large");
      const Field& f = head.field[head.field_count];
      if (is_read(f.id) && !read_field(head, f)) return ParseState::refused;
      auto& first = head.first[static_cast<std::size_t>(f.id)];
      if (first == MessageHead::no_field) first = static_cast<std::uint8_t>(head.field_count);
      ++head.field_count;
      head.cursor = static_cast<std::uint32_t>(p - bytes.data());
    }
  if (line == Line::refused) return ParseState::refused;
  if (line == Line::blank) {
    head.size = static_cast<std::uint32_t>(p - bytes.data());
    return ParseState::complete;
  }
  head.searched = static_cast<std::uint32_t>(end[-1] == '\r' ? head.cursor : end - bytes.data());
  const bool blank_line_begun = head.cursor + 1 == bytes.size() && bytes.back() == '\r';
  if (bytes.size() > section_end && !blank_line_begun) return refuse(head, 431, "fields too large");
  return ParseState::incomplete;
}

// Fields that Connection names are for us alone.
void drop_named(MessageHead& head) {
  if (head.named == 0) return;
  for (const Field& connection : head.fields()) {
    if (connection.id != FieldId::connection) continue;
    std::string_view list = head.value(connection);
    while (!list.empty()) {
      const std::string_view option = next_element(list);
      for (unsigned i = 0; i < head.field_count; ++i)
        if (head.field[i].id == FieldId::other && equal_caseless(head.name(head.field[i]), option))
          head.field[i].drop = true;
    }
  }
}

// Finds the first line. True: `line` is the line without its CRLF and head.fields_at is set. False: state says why.
bool take_first_line(std::string_view bytes, std::uint32_t line_bytes_max, int too_long, MessageHead& head,
                     std::string_view& line, ParseState& state) {
  const std::size_t start = head.start;
  const std::size_t window = std::min(bytes.size(), start + line_bytes_max + 2);
  const std::size_t from = std::max<std::size_t>(start, head.searched);
  const void* found = from < window ? std::memchr(bytes.data() + from, '\n', window - from) : nullptr;
  if (!found) {
    head.searched = static_cast<std::uint32_t>(window);
    state = bytes.size() >= start + line_bytes_max + 2 ? refuse(head, too_long, "the first line is too long")
                                                       : ParseState::incomplete;
    return false;
  }
  const std::size_t lf = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
  if (lf == start || bytes[lf - 1] != '\r') {
    state = refuse(head, bad_message, "LF without CR");
    return false;
  }
  line = bytes.substr(start, lf - 1 - start);
  head.cursor = head.fields_at = static_cast<std::uint32_t>(lf + 1);
  return true;
}

// The 8 bytes of "HTTP/1.1": -1 no version at all, 0 another major, 1 good.
int read_version(std::string_view text, unsigned& minor) {
  if (!text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) return -1;
  minor = text[7] == '0' ? 0 : 1;
  return text[5] == '1' ? 1 : 0;
}

// ---- requests

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3: return text == "GET" ? Method::get : text == "PUT" ? Method::put : Method::other;
    case 4: return text == "POST" ? Method::post : text == "HEAD" ? Method::head : Method::other;
    case 5: return text == "PATCH" ? Method::patch : Method::other;
    case 6: return text == "DELETE" ? Method::delete_ : Method::other;
    case 7: return text == "OPTIONS" ? Method::options : Method::other;
    default: return Method::other;
  }
}

// RFC 9112 3.2: origin form, absolute form, or * for OPTIONS.
bool read_target(RequestHead& head, std::string_view target) {
  head.target_at = head.path_at = slice_of(head, target);
  if (target.front() == '/') return true;
  if (target == "*")
    return head.method_id == Method::options || fault(head, 400, "target * but the method is not OPTIONS");
  const std::size_t scheme = starts_caseless(target, "http://") ? 7 : starts_caseless(target, "https://") ? 8 : 0;
  if (scheme == 0) return fault(head, 400, "the target has no form we serve");
  const std::size_t path = std::min(target.find_first_of("/?", scheme), target.size());
  const auto authority = target.substr(scheme, path - scheme);
  const auto parsed = parse_authority(authority);
  if (!parsed) return fault(head, 400, "the target's authority is not valid");
  head.absolute = true;
  head.path_at = slice_of(head, target.substr(path));
  head.host_at = slice_of(head, authority);
  head.host_name_at = slice_of(head, parsed->host);
  head.host_port = parsed->port;
  return true;
}

bool read_request_line(RequestHead& head, std::string_view line) {
  constexpr std::size_t version_size = 8;
  bool odd = false;
  const char* const method_end = skip_name(line.data(), line.data() + line.size(), odd);
  const auto method_size = static_cast<std::size_t>(method_end - line.data());
  if (method_size == 0 || method_size == line.size() || *method_end != ' ')
    return fault(head, 400, "the request line has no method");
  if (line.size() < method_size + 1 + 1 + 1 + version_size || line[line.size() - version_size - 1] != ' ')
    return fault(head, 400, "the request line is not method, target and version");
  const int version = read_version(line.substr(line.size() - version_size), head.minor);
  if (version < 0) return fault(head, 400, "the request line has no HTTP version");
  if (version == 0) return fault(head, 505, "not HTTP/1");
  if (method_size > method_bytes_max) return fault(head, 501, "the method is too long");

  const std::string_view method = line.substr(0, method_size);
  head.method_at = slice_of(head, method);
  head.method_id = method_of(method);
  if (method == "CONNECT" || method == "TRACE") return fault(head, 405, "CONNECT and TRACE are not served");

  const std::string_view target = line.substr(method_size + 1, line.size() - method_size - 2 - version_size);
  if (skip_target(head.bytes, target.data(), target.data() + target.size()) != target.data() + target.size())
    return fault(head, 400, "a byte that no target may hold");
  return read_target(head, target);
}

// Host against itself and against the target (RFC 9112 3.2).
bool settle_host(RequestHead& head) {
  const Field* host = head.find(FieldId::host);
  if (!host) return head.minor == 0 || fault(head, 400, "no Host");
  const std::string_view value = head.value(*host);
  const auto parsed = parse_authority(value);
  if (!parsed) return fault(head, 400, "Host is not valid");
  if (head.absolute) {
    const bool plain = head.target()[4] == ':';
    if (!same_authority(*parsed, {head.host_name(), head.host_port}, plain ? 80 : 443))
      return fault(head, 400, "Host and target disagree");
    return true;
  }
  head.host_at = slice_of(head, value);
  head.host_name_at = slice_of(head, parsed->host);
  head.host_port = parsed->port;
  return true;
}

bool holds_element(std::string_view list, std::string_view lower) {
  while (!list.empty())
    if (equals_caseless(next_element(list), lower)) return true;
  return false;
}

// RFC 9110 7.8. HTTP/1.0 and requests with a body don't upgrade (the field is dropped), nor does anyone to h2c: that
// would be a second, unjudged way to the backend.
bool settle_upgrade(RequestHead& head) {
  const Field* upgrade = head.find(FieldId::upgrade);
  if (!upgrade || !head.says_upgrade || head.minor == 0) return true;
  const std::string_view value = head.value(*upgrade);
  const bool websocket = equals_caseless(value, "websocket");
  if (websocket && (head.method_id != Method::get || head.body != Framing::none))
    return fault(head, 400, "a WebSocket begins with GET and no body");
  if (head.body != Framing::none || value.empty() || holds_element(value, "h2c")) return true;
  head.is_upgrade = true;
  head.websocket = websocket;
  head.upgrade_at = slice_of(head, value);
  return true;
}

bool settle_request(RequestHead& head) {
  if (!settle_host(head)) return false;
  if (head.body == Framing::chunked) {
    if (head.has_content_length) return fault(head, 400, "Content-Length and Transfer-Encoding");
    if (head.minor == 0) return fault(head, 400, "Transfer-Encoding in HTTP/1.0");
  } else if (head.has_content_length) {
    head.body = Framing::length;
  }
  const bool has_body = head.body == Framing::chunked || head.content_length > 0;
  head.keep_alive = !head.says_close && (head.minor == 1 || head.says_keep_alive);
  head.expect_continue &= head.minor == 1 && has_body;
  head.te_trailers &= head.minor == 1;
  drop_named(head);
  return settle_upgrade(head);
}

// ---- answers

bool read_status_line(ResponseHead& head, std::string_view line) {
  constexpr std::size_t up_to_status = 12;  // "HTTP/1.1 200"
  if (line.size() < up_to_status || read_version(line, head.minor) != 1 || line[8] != ' ')
    return fault(head, 502, "no HTTP/1 status line");
  for (const char c : line.substr(9, 3)) {
    if (!is_digit(c)) return fault(head, 502, "the status is not three digits");
    head.status = head.status * 10 + (c - '0');
  }
  if (head.status < 100) return fault(head, 502, "the status is below 100");
  const std::string_view rest = line.substr(up_to_status);
  if (!rest.empty() && rest.front() != ' ') return fault(head, 502, "the status is not three digits");
  const std::string_view reason = rest.empty() ? rest : rest.substr(1);
  if (!all(reason, value_byte)) return fault(head, 502, "a control byte in the status line");
  head.reason_at = slice_of(head, reason);
  return true;
}

// RFC 9112 6.3.
bool settle_response(ResponseHead& head, bool to_head) {
  const bool chunked = head.body == Framing::chunked;
  if (chunked && head.has_content_length) return fault(head, 502, "Content-Length and Transfer-Encoding");
  if (chunked && head.minor == 0) return fault(head, 502, "Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !head.says_close && (head.minor == 1 || head.says_keep_alive);
  drop_named(head);
  const bool never_a_body = head.status < 200 || head.status == 204;
  if (never_a_body || head.status == 304 || to_head) {
    head.body = Framing::none;
    // Who announces a body where none may be is likely to send it: its connection is not used again. (The length of
    // what a 304 spares is a usual thing to say; to chunk it is not.)
    if (never_a_body ? chunked || head.content_length > 0 : chunked && !to_head) head.keep_alive = false;
  } else if (!chunked) {
    head.body = head.has_content_length ? Framing::length : Framing::until_close;
    if (!head.has_content_length) head.keep_alive = false;
  }
  if (head.status != 101) return true;
  const Field* upgrade = head.find(FieldId::upgrade);
  if (!upgrade || !head.says_upgrade || head.value(*upgrade).empty()) return fault(head, 502, "101 without Upgrade");
  head.is_upgrade = true;
  head.upgrade_at = slice_of(head, head.value(*upgrade));
  return true;
}

ParseState finish(bool good) { return good ? ParseState::complete : ParseState::refused; }

}  // namespace

ParseState parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  head.bytes = bytes.data();
  if (head.fields_at == 0) {
    if (bytes.empty()) return ParseState::incomplete;
    if (head.start == 0 && bytes[0] == '\r') {
      if (bytes.size() == 1) return ParseState::incomplete;
      if (bytes[1] != '\n') return refuse(head, 400, "CR without LF");
      head.start = 2;
    }
    // A TLS hello, or whatever else doesn't begin as a method does, need not wait for a line's end.
    if (bytes.size() > head.start && !is(bytes[head.start], token_byte))
      return refuse(head, 400, "the request line has no method");
    std::string_view line;
    ParseState state = ParseState::incomplete;
    if (!take_first_line(bytes, limits.line_bytes_max, 414, head, line, state)) return state;
    if (!read_request_line(head, line)) return ParseState::refused;
  }
  const ParseState state = read_fields(bytes, limits, head);
  return state == ParseState::complete ? finish(settle_request(head)) : state;
}

ParseState parse_response_head(std::string_view bytes, const HeadLimits& limits, bool to_head, ResponseHead& head) {
  head.bytes = bytes.data();
  ParseState state = ParseState::incomplete;
  if (head.fields_at == 0) {
    // A backend that speaks something else need not be waited for.
    constexpr std::string_view beginning = "HTTP/1.";
    if (!beginning.starts_with(bytes.substr(0, beginning.size()))) return refuse(head, 502, "no HTTP/1 status line");
    std::string_view line;
    if (!take_first_line(bytes, limits.line_bytes_max, 502, head, line, state)) {
      if (state == ParseState::refused) head.refusal.status = 502;
      return state;
    }
    if (!read_status_line(head, line)) return ParseState::refused;
  }
  state = read_fields(bytes, limits, head);
  if (state == ParseState::complete) state = finish(settle_response(head, to_head));
  if (state == ParseState::refused) head.refusal.status = 502;
  return state;
}

}  // namespace gatehouse::http
