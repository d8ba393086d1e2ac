// head.h: the head of a message as offsets into the bytes it came in.
//   Filled by parse.h. Nothing is copied or allocated: when the bytes move (a head that outgrows its buffer), set
//   `bytes` to where they are now and every view is right again. A head is some 2 KiB: keep it in the buffer's life,
//   not in an idle connection's. Offsets are 32 bits; the limits of parse.h keep a head far below that.
//   Source: RFC 9110, RFC 9112.
#pragma once

#include <array>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

#include "proxy/http/field_name.h"

namespace gatehouse::http {

inline constexpr unsigned fields_capacity = 128;  // the configurable limit is at most this

enum class Method : std::uint8_t { other, get, head, post, put, delete_, options, patch };
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct Slice {
  std::uint32_t at = 0, size = 0;
};

struct Field {
  std::uint32_t name, value, value_size;  // offsets from the head's first byte
  std::uint16_t name_size;
  FieldId id;
  bool drop;  // not passed on: named by Connection, or (requests) a name with '_' or '.'
};

// Why a head was refused: the status for the client and a constant text for the log.
struct Refusal {
  int status = 0;
  const char* reason = "";
};

struct MessageHead {
  const char* bytes = nullptr;
  std::uint32_t size = 0;  // of the whole head, blank line included; 0 until complete
  unsigned minor = 1;      // HTTP/1.minor; what is above 1 counts as 1
  Framing body = Framing::none;
  bool has_content_length = false;  // as sent, even where there is no body (answers to HEAD, 304)
  std::uint64_t content_length = 0;
  bool keep_alive = false;  // the sender's connection may be used again after this message
  bool is_upgrade = false;  // asks for (request) or grants (101) a change of protocol
  Slice upgrade_at;
  Refusal refusal;

  std::span<const Field> fields() const { return {field.data(), field_count}; }
  std::string_view view(Slice s) const { return {bytes + s.at, s.size}; }
  std::string_view name(const Field& f) const { return {bytes + f.name, f.name_size}; }
  std::string_view value(const Field& f) const { return {bytes + f.value, f.value_size}; }
  std::string_view upgrade() const { return view(upgrade_at); }

  // The first field of that name, or null.
  const Field* find(FieldId id) const;
  const Field* find(std::string_view any_case_name) const;
  std::string_view value_of(FieldId id) const;  // empty if there is none

  // What follows is the parser's: fields so far, and where to go on when more bytes have come.
  static constexpr std::uint8_t no_field = 0xff;
  std::array<std::uint8_t, field_id_count> first;  // index of an id's first field
  unsigned field_count = 0;
  std::uint32_t start = 0;      // of the first line: 2 after a tolerated CRLF
  std::uint32_t fields_at = 0;  // where field lines begin; 0: the first line is not read yet
  std::uint32_t cursor = 0;     // start of the first line not read yet
  std::uint32_t searched = 0;   // no line end in [cursor, searched)
  bool says_close = false, says_keep_alive = false, says_upgrade = false, says_te = false;  // Connection
  unsigned named = 0;  // fields that Connection names besides the known ones
  const bool drops_odd_names;
  std::array<Field, fields_capacity> field;  // not set before field_count says so

 protected:
  explicit MessageHead(bool drop_odd_names) : drops_odd_names(drop_odd_names) { first.fill(no_field); }
};

struct RequestHead : MessageHead {
  Method method_id = Method::other;
  bool absolute = false;         // the target came in absolute form
  bool expect_continue = false;  // a body follows and its sender waits for 100
  bool te_trailers = false;
  bool websocket = false;  // is_upgrade, and to that
  Slice method_at, target_at, path_at, host_at, host_name_at;
  std::uint16_t host_port = 0;  // 0: none given

  std::string_view method() const { return view(method_at); }
  std::string_view target() const { return view(target_at); }  // as sent
  std::string_view path() const { return view(path_at); }      // path and query; may be empty or "?q" (absolute form)
  std::string_view host() const { return view(host_at); }      // as sent, with port; empty only in HTTP/1.0
  std::string_view host_name() const { return view(host_name_at); }  // no port, no last dot; any case

  RequestHead() : MessageHead(true) {}
  void clear() { new (this) RequestHead; }  // for the connection's next message
};

struct ResponseHead : MessageHead {
  int status = 0;
  Slice reason_at;
  unsigned keep_alive_seconds = 0;  // Keep-Alive: timeout=N; 0: not told

  std::string_view reason() const { return view(reason_at); }
  bool interim() const { return status < 200 && status != 101; }

  ResponseHead() : MessageHead(false) {}
  void clear() { new (this) ResponseHead; }
};

}  // namespace gatehouse::http
