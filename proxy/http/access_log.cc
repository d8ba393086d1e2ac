#include "proxy/http/access_log.h"

#include <array>

#include "proxy/http/head_writer.h"
#include "proxy/http/json_text.h"

namespace gatehouse::http {
namespace {

// In the order of the line; the name is what stands between the quotes.
constexpr std::array<std::string_view, 27> keys{
    "{\"time\":",       ",\"event\":",       ",\"node\":",        ",\"client_address\":", ",\"peer_address\":",
    ",\"method\":",     ",\"host\":",        ",\"path\":",        ",\"status\":",         ",\"bytes_in\":",
    ",\"bytes_out\":",  ",\"duration_ms\":", ",\"connect_ms\":",  ",\"first_byte_ms\":",  ",\"service\":",
    ",\"endpoint\":",   ",\"attempts\":",    ",\"termination\":", ",\"tls_version\":",    ",\"http_version\":",
    ",\"request_id\":", ",\"ban_id\":",      ",\"user_agent\":",  ",\"referer\":",        ",\"encoding\":",
    ",\"user\":",       ",\"trace_id\":",
};
constexpr std::string_view name_of(std::string_view key) { return key.substr(2, key.size() - 4); }

// In the order of Termination.
constexpr std::array<std::string_view, termination_count> terminations{
    "ok",
    "redirect",
    "local",
    "challenge",
    "client_closed",
    "client_malformed",
    "client_too_large",
    "client_timeout",
    "client_too_slow",
    "client_not_reading",
    "denied",
    "method_not_allowed",
    "preflight",
    "maintenance",
    "unauthorized",
    "auth_failed",
    "banned",
    "rate_limited",
    "no_route",
    "misdirected",
    "route_refused",
    "no_file",
    "file_failed",
    "no_endpoint",
    "two_primaries",
    "queue_full",
    "queue_timeout",
    "overload",
    "backend_connect_failed",
    "backend_connect_timeout",
    "backend_tls_failed",
    "backend_closed",
    "backend_cut",
    "backend_malformed",
    "backend_timeout",
    "backend_withdrawn",
    "total_timeout",
    "tunnel_client_closed",
    "tunnel_backend_closed",
    "tunnel_idle",
    "client_reset",
    "backend_reset",
    "shutdown",
};

// Writes one field after the other, in the order of `keys`.
class Line {
 public:
  Line(HeadWriter& out, std::uint32_t redacted) : out_(out), redacted_(redacted) {}

  void text(std::string_view value, std::size_t bytes_max) {
    if (next()) return;
    out_.put("\"");
    put_json_text(value, bytes_max, out_);
    out_.put("\"");
  }
  void word(std::string_view value) {  // one of ours: needs no escaping
    if (next()) return;
    out_.put("\""), out_.put(value), out_.put("\"");
  }
  void address(const IpAddress& value) {
    if (next()) return;
    out_.put("\""), out_.put(value), out_.put("\"");
  }
  void number(std::uint64_t value) {
    if (!next()) out_.put(value);
  }
  void millis(std::optional<Micros> value) {
    if (next()) return;
    if (!value || value->count() < 0) return out_.put("null");
    const auto micros = static_cast<std::uint64_t>(value->count());
    const char fraction[4] = {'.', static_cast<char>('0' + micros / 100 % 10),
                              static_cast<char>('0' + micros / 10 % 10), static_cast<char>('0' + micros % 10)};
    out_.put(micros / 1000);
    out_.put({fraction, 4});
  }

 private:
  bool next() {  // true: redacted, and written so
    const unsigned field = field_++;
    out_.put(keys[field]);
    const bool redacted = redacted_ >> field & 1;
    if (redacted) out_.put("\"-\"");
    return redacted;
  }

  HeadWriter& out_;
  std::uint32_t redacted_;
  unsigned field_ = 0;
};

}  // namespace

std::string_view termination_text(Termination termination) {
  return terminations[static_cast<std::size_t>(termination)];
}

bool is_access_field(std::string_view name) {
  for (const std::string_view key : keys)
    if (name_of(key) == name) return true;
  return false;
}

AccessLineWriter::AccessLineWriter(const std::vector<std::string>& redact) {
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (const std::string& name : redact)
      if (name_of(keys[i]) == name) redacted_ |= 1u << i;
}

// The bounds of the texts and the rest together stay below access_line_bytes_max.
std::size_t AccessLineWriter::write(const AccessRecord& record, std::span<char> room) {
  HeadWriter out(room);
  Line line(out, redacted_);
  line.word(time_.at(record.time));
  line.text(record.event, 64);
  line.text(record.node, 128);
  line.address(record.client_address);
  line.address(record.peer_address);
  line.text(record.method, 64);
  line.text(record.host, 320);
  line.text(record.path, 3072);
  line.number(static_cast<std::uint64_t>(record.status));
  line.number(record.bytes_in);
  line.number(record.bytes_out);
  line.millis(record.duration);
  line.millis(record.connect);
  line.millis(record.first_byte);
  line.text(record.service, 160);
  line.text(record.endpoint, 160);
  line.number(record.attempts);
  line.word(termination_text(record.termination));
  line.text(record.tls_version, 40);
  line.text(record.http_version, 40);
  line.text(record.request_id, 160);
  line.text(record.ban_id, 160);
  line.text(record.user_agent, 768);
  line.text(record.referer, 1536);
  line.word(record.encoding);
  line.text(record.user, 64);
  line.word(record.trace_id);
  out.put("}\n");
  return out.ok() ? out.size() : 0;
}

}  // namespace gatehouse::http
