// head_writer.h: heads to bytes, into a span of the caller's.
//   A head that goes out is built anew: framing is stated once and canonically, fields of one hop (RFC 9110 7.6.1)
//   and those that strangers forge are left out, ours are added. Values are the parser's, so no CR or LF can be among
//   them; what the caller gives (target, host, extra) must be as clean, and is where it comes from this folder. Runs
//   of kept fields are copied in one piece. Overflow sets a flag and writes nothing more: look at ok() once, at the
//   end. No allocation.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "conf/service.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/head.h"

namespace gatehouse::http {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> room) : begin_(room.data()), at_(begin_), end_(begin_ + room.size()) {}

  void put(std::string_view text) {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) {
      ok_ = false;
      end_ = at_;
      return;
    }
    if (text.empty()) return;
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(std::uint64_t number) {
    char digits[20];
    put({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits)});
  }
  void put(const IpAddress& address) {
    char text[46];
    put({text, address.write(text)});
  }
  void field(std::string_view name, std::string_view value) { put(name), put(": "), put(value), put("\r\n"); }
  void field(std::string_view name, std::uint64_t value) { put(name), put(": "), put(value), put("\r\n"); }

  bool ok() const { return ok_; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }

 private:
  char *begin_, *at_, *end_;
  bool ok_ = true;
};

// What a route says in the answers that pass it: see answer_fields.h.
struct AnswerFields {
  const conf::FieldRules* rules = nullptr;
  const conf::Cors* cors = nullptr;
  std::string_view origin;  // the client's, if it is admitted; empty: none is told
  bool empty() const { return rules == nullptr && cors == nullptr; }
};

// What changes on the way to the backend.
struct RequestRewrite {
  std::string_view target;    // empty: the path and query as sent ("/" if there is no path)
  std::string_view host;      // empty: as sent
  bool pass_upgrade = false;  // is_upgrade and allowed here
  conf::Forwarded forwarded = conf::Forwarded::x;
  const ClientInfo* client = nullptr;  // null (probes): no forwarding fields are written
  std::string_view scheme = "http";    // the client's, as our listener saw it
  std::uint16_t port = 0;              // of our listener
  std::string_view request_id;         // empty: none is written
  std::string_view extra;              // whole field lines
  const conf::FieldRules* rules = nullptr;
  const std::vector<std::string>* left_out = nullptr;  // fields that nobody but us may send
  std::string_view traceparent;                        // in place of what was sent; empty: that passes
  std::string_view method;                             // empty: as sent
  std::string_view last_value;                         // ends the last line of `extra`, which has none
};
void write_request_head(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out);

// What changes on the way to the client.
struct ResponseRewrite {
  Framing body = Framing::none;  // towards the client; framing.h tells
  bool close = false;            // the client's connection ends behind this answer
  unsigned client_minor = 1;     // 0: a connection that stays open must say so
  bool pass_upgrade = false;     // a 101 that was asked for
  bool recoded = false;          // sent in another form: what told of the bytes is left out
  bool retagged = false;         // its ETag is among `extra`
  std::string_view date;         // for answers without Date (RFC 9110 6.6.1)
  std::string_view hsts;         // value of Strict-Transport-Security, over the backend's own; empty: none
  std::string_view request_id;   // X-Request-Id, over the backend's own; empty: none is written
  std::string_view extra;        // whole field lines: Set-Cookie
  const AnswerFields* fields = nullptr;
};
void write_response_head(const ResponseHead& head, const ResponseRewrite& rewrite, HeadWriter& out);

}  // namespace gatehouse::http
