#include "proxy/http/head_writer.h"

#include "proxy/http/answer_fields.h"
#include "proxy/http/authority.h"
#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

// ---- kept fields

// Copies fields [i, j) and so on: lines already in the form "Name: value" that lie side by side go in one piece.
template <class Keep>
void put_kept_fields(const MessageHead& head, HeadWriter& out, Keep keep) {
  std::uint32_t begin = 0, end = 0;  // the run not yet written
  const auto flush = [&] { out.put(head.view({begin, end - begin})); };
  for (const Field& f : head.fields()) {
    if (f.drop || !keep(f)) continue;
    const std::uint32_t line_end = f.value + f.value_size + 2;
    const bool canonical =
        f.value == f.name + f.name_size + 2 && head.bytes[f.value - 1] == ' ' && head.bytes[line_end - 1] == '\n';
    if (!canonical) {
      flush();
      begin = end = 0;
      out.field(head.name(f), head.value(f));
    } else if (f.name == end) {
      end = line_end;
    } else {
      flush();
      begin = f.name;
      end = line_end;
    }
  }
  flush();
}

void put_body_length(HeadWriter& out, Framing body, std::uint64_t length) {
  if (body == Framing::length) out.field("Content-Length", length);
  if (body == Framing::chunked) out.put("Transfer-Encoding: chunked\r\n");
}

// ---- requests

bool writes_x(conf::Forwarded style) { return style == conf::Forwarded::x || style == conf::Forwarded::both; }
bool writes_rfc7239(conf::Forwarded style) {
  return style == conf::Forwarded::rfc7239 || style == conf::Forwarded::both;
}

// What strangers say of the client, or of where the request shall go behind us, is dropped; what a trusted peer says
// is kept where we don't say it ourselves.
bool keeps_request_field(const RequestHead& head, const RequestRewrite& rewrite, FieldId id) {
  const bool trusted = rewrite.client && rewrite.client->peer_trusted;
  switch (id) {
    case FieldId::host:
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::transfer_encoding:
    case FieldId::expect:
    case FieldId::upgrade:
    case FieldId::te:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::http2_settings:
    case FieldId::proxy: return false;  // CGI makes HTTP_PROXY of it (CVE-2016-5385)
    case FieldId::trailer: return head.body == Framing::chunked;
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_proto:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_port:
    case FieldId::x_real_ip: return trusted && !writes_x(rewrite.forwarded);
    case FieldId::forwarded: return trusted && !writes_rfc7239(rewrite.forwarded);
    case FieldId::x_forwarded_other:
    case FieldId::x_client_ip:
    case FieldId::x_cluster_client_ip:
    case FieldId::true_client_ip:
    case FieldId::cf_connecting_ip:
    case FieldId::x_original_url:
    case FieldId::x_rewrite_url: return trusted;
    case FieldId::x_request_id: return trusted && rewrite.request_id.empty();
    case FieldId::traceparent:
    case FieldId::tracestate: return rewrite.traceparent.empty();
    default: return true;
  }
}

struct Told {  // of the client's own request: by a trusted peer, else as we saw it
  std::string_view scheme, host;
  std::uint16_t port;
};

Told told(const RequestHead& head, const RequestRewrite& rewrite) {
  const ClientInfo& client = *rewrite.client;
  return {client.proto.empty() ? rewrite.scheme : client.proto, client.host.empty() ? head.host() : client.host,
          client.port ? client.port : rewrite.port};
}

void put_x_forwarded(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out) {
  const ClientInfo& client = *rewrite.client;
  out.put("X-Forwarded-For: ");
  for (unsigned i = client.hop_count; i > 0; --i) {
    out.put(client.hop[i - 1]);
    out.put(i > 1 ? ", " : "\r\n");
  }
  const Told is = told(head, rewrite);
  out.field("X-Forwarded-Proto", is.scheme);
  if (!is.host.empty()) out.field("X-Forwarded-Host", is.host);
  if (is.port) out.field("X-Forwarded-Port", is.port);
  out.put("X-Real-IP: ");
  out.put(client.address());
  out.put("\r\n");
}

// RFC 7239 4 and 6: one element a hop, the client's first, with what is known of its request.
void put_rfc7239(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out) {
  const ClientInfo& client = *rewrite.client;
  const Told is = told(head, rewrite);
  out.put("Forwarded: ");
  for (unsigned i = client.hop_count; i > 0; --i) {
    const IpAddress& hop = client.hop[i - 1];
    out.put(hop.is_v4() ? "for=" : "for=\"[");
    out.put(hop);
    if (!hop.is_v4()) out.put("]\"");
    if (i == client.hop_count) {
      if (!is.host.empty()) out.put(";host=\""), out.put(is.host), out.put("\"");
      out.put(";proto="), out.put(is.scheme);
    }
    out.put(i > 1 ? ", " : "\r\n");
  }
}

void put_target(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out) {
  if (!rewrite.target.empty()) return out.put(rewrite.target);
  const std::string_view path = head.path();
  if (path.empty() || path.front() == '?') out.put("/");
  out.put(path);
}

bool is_replaced(const RequestRewrite& rewrite, std::string_view name) {
  if (rewrite.rules != nullptr && rewrite.rules->drops(name)) return true;
  if (rewrite.left_out == nullptr) return false;
  for (const std::string& each : *rewrite.left_out)
    if (conf::same_field(each, name)) return true;
  return false;
}

void put_hop_fields(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out) {
  const bool upgrade = rewrite.pass_upgrade && head.is_upgrade;
  if (upgrade) {
    out.field("Upgrade", head.upgrade());
    out.put("Connection: Upgrade\r\n");
  } else if (head.te_trailers) {
    out.put("TE: trailers\r\nConnection: TE\r\n");  // RFC 9110 10.1.4
  }
}

}  // namespace

void write_request_head(const RequestHead& head, const RequestRewrite& rewrite, HeadWriter& out) {
  out.put(rewrite.method.empty() ? head.method() : rewrite.method);
  out.put(" ");
  put_target(head, rewrite, out);
  out.put(" HTTP/1.1\r\nHost: ");
  out.put(rewrite.host.empty() ? head.host() : rewrite.host);
  out.put("\r\n");
  const auto keeps = [&](const Field& f) {
    return f.id == FieldId::other || keeps_request_field(head, rewrite, f.id);
  };
  if (rewrite.rules == nullptr && rewrite.left_out == nullptr)
    put_kept_fields(head, out, keeps);
  else
    put_kept_fields(head, out, [&](const Field& f) { return keeps(f) && !is_replaced(rewrite, head.name(f)); });
  put_body_length(out, head.body, head.content_length);
  if (head.expect_continue) out.put("Expect: 100-continue\r\n");
  put_hop_fields(head, rewrite, out);
  if (rewrite.client) {
    if (writes_x(rewrite.forwarded)) put_x_forwarded(head, rewrite, out);
    if (writes_rfc7239(rewrite.forwarded)) put_rfc7239(head, rewrite, out);
  }
  if (!rewrite.request_id.empty()) out.field("X-Request-Id", rewrite.request_id);
  if (!rewrite.traceparent.empty()) out.field("traceparent", rewrite.traceparent);
  if (rewrite.rules != nullptr) put_request_fields(*rewrite.rules, head, out);
  out.put(rewrite.extra);
  if (!rewrite.last_value.empty()) out.put(rewrite.last_value), out.put("\r\n");
  out.put("\r\n");
}

// ---- answers

namespace {

bool keeps_response_field(const ResponseRewrite& rewrite, FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::te:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::x_ban_event: return false;
    case FieldId::trailer: return rewrite.body == Framing::chunked && !rewrite.recoded;
    case FieldId::accept_ranges:
    case FieldId::content_encoding: return !rewrite.recoded;
    case FieldId::etag: return !rewrite.retagged;
    case FieldId::strict_transport_security: return rewrite.hsts.empty();
    case FieldId::x_request_id: return rewrite.request_id.empty();
    default: return true;
  }
}

void put_status_line(const ResponseHead& head, HeadWriter& out) {
  out.put("HTTP/1.1 ");
  out.put(static_cast<std::uint64_t>(head.status));
  out.put(" ");
  out.put(head.reason());
  out.put("\r\n");
}

// Without a body the length may still be told: of what GET would bring (HEAD), of what the client has (304).
void put_answer_length(const ResponseHead& head, const ResponseRewrite& rewrite, HeadWriter& out) {
  const bool never_a_body = head.status < 200 || head.status == 204;
  if (rewrite.body != Framing::none)
    put_body_length(out, rewrite.body, head.content_length);
  else if (head.has_content_length && !never_a_body && !rewrite.recoded)
    out.field("Content-Length", head.content_length);
}

void put_connection(const ResponseHead& head, const ResponseRewrite& rewrite, HeadWriter& out) {
  if (head.status == 101 && rewrite.pass_upgrade) {
    out.field("Upgrade", head.upgrade());
    out.put("Connection: Upgrade\r\n");
  } else if (head.interim()) {
    return;
  } else if (rewrite.close) {
    out.put("Connection: close\r\n");
  } else if (rewrite.client_minor == 0) {
    out.put("Connection: keep-alive\r\n");
  }
}

}  // namespace

void write_response_head(const ResponseHead& head, const ResponseRewrite& rewrite, HeadWriter& out) {
  put_status_line(head, out);
  const auto keeps = [&](const Field& f) { return f.id == FieldId::other || keeps_response_field(rewrite, f.id); };
  const AnswerFields* const fields = rewrite.fields;
  if (fields == nullptr)
    put_kept_fields(head, out, keeps);
  else
    put_kept_fields(head, out, [&](const Field& f) { return keeps(f) && !replaces(*fields, head.name(f)); });
  put_answer_length(head, rewrite, out);
  put_connection(head, rewrite, out);
  if (!head.interim()) {
    if (!rewrite.date.empty() && !head.find(FieldId::date)) out.field("Date", rewrite.date);
    if (!rewrite.hsts.empty()) out.field("Strict-Transport-Security", rewrite.hsts);
    if (!rewrite.request_id.empty()) out.field("X-Request-Id", rewrite.request_id);
    if (fields != nullptr) put_answer_fields(*fields, head, out);
    out.put(rewrite.extra);
  }
  out.put("\r\n");
}

}  // namespace gatehouse::http
