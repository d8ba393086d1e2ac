// field_name.h: the field names that a proxy has to know, as small numbers.
//   Found by one hash of length and three bytes and one compare; everything else is `other`. Names that start with
//   "x-forwarded-" and are not listed are `x_forwarded_other`, so that no forged one slips through by a new name.
//   Source: RFC 9110, 9111, 9112, 6265, 6797, 7239 and what proxies agreed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

enum class FieldId : std::uint8_t {
  other,
  // read by the parser: they decide framing, routing or the connection's life
  host,
  connection,
  content_length,
  transfer_encoding,
  expect,
  upgrade,
  te,
  keep_alive,
  // hop-by-hop or dangerous to pass on
  trailer,
  proxy_connection,
  http2_settings,
  proxy,
  // who the client is
  x_forwarded_for,
  x_forwarded_proto,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_other,
  x_real_ip,
  x_client_ip,
  x_cluster_client_ip,
  true_client_ip,
  cf_connecting_ip,
  forwarded,
  x_request_id,
  x_ban_event,  // an application's word to the guard: never the client's business
  // where a request goes, to some frameworks
  x_original_url,
  x_rewrite_url,
  // end to end
  accept,
  accept_encoding,
  accept_language,
  accept_ranges,
  age,
  allow,
  authorization,
  cache_control,
  content_encoding,
  content_language,
  content_range,
  content_type,
  cookie,
  date,
  etag,
  expires,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  last_modified,
  link,
  location,
  max_forwards,
  origin,
  pragma,
  proxy_authenticate,
  proxy_authorization,
  range,
  referer,
  retry_after,
  sec_websocket_accept,
  sec_websocket_key,
  server,
  set_cookie,
  strict_transport_security,
  traceparent,
  tracestate,
  user_agent,
  vary,
  via,
  warning,
  www_authenticate,
};
inline constexpr std::size_t field_id_count = static_cast<std::size_t>(FieldId::www_authenticate) + 1;

FieldId field_id(std::string_view name);  // name: token bytes, in any case
std::string_view field_name(FieldId id);  // in small letters; empty for `other` and `x_forwarded_other`

}  // namespace gatehouse::http
