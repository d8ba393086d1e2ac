#include "proxy/http/local_reply.h"

#include <algorithm>

#include "proxy/http/answer_fields.h"
#include "proxy/http/bytes.h"
#include "proxy/http/grpc.h"

namespace gatehouse::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

namespace {

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void put_clean_field(std::string_view name, std::string_view value, HeadWriter& out) {
  if (!value.empty() && all(value, value_byte)) out.field(name, value);
}

}  // namespace

void write_local_head(const LocalReply& reply, std::string_view date, HeadWriter& out) {
  const int told = reply.to_grpc ? 200 : reply.status;
  out.put("HTTP/1.1 ");
  out.put(static_cast<std::uint64_t>(told));
  out.put(" ");
  out.put(reason_phrase(told));
  out.put("\r\nDate: ");
  out.put(date);
  out.put("\r\n");
  if (reply.to_grpc) {
    out.field("Content-Type", grpc_type);
    out.put("Content-Length: 0\r\n");
    put_grpc_status(reply.status, reply.detail, out);
  } else if (may_have_body(reply.status) && !reply.framed) {
    if (!reply.body.empty()) out.field("Content-Type", reply.content_type);
    out.field("Content-Length", reply.body.size());
  }
  if (reply.retry_after.count() > 0) out.field("Retry-After", static_cast<std::uint64_t>(reply.retry_after.count()));
  put_clean_field("Allow", reply.allow.empty() && reply.status == 405 ? served_methods : reply.allow, out);
  put_clean_field("Location", reply.location, out);
  if (reply.close)
    out.put("Connection: close\r\n");
  else if (reply.client_minor == 0)
    out.put("Connection: keep-alive\r\n");
  if (reply.fields != nullptr && reply.framed) {
    put_file_answer_fields(*reply.fields, reply.extra, out);
  } else {
    if (reply.fields != nullptr) put_own_answer_fields(*reply.fields, reply.extra, out);
    if (reply.preflight != nullptr) put_preflight_fields(*reply.fields->cors, *reply.preflight, out);
    out.put(reply.extra);
  }
  out.put("\r\n");
}

void write_local_reply(const LocalReply& reply, std::string_view date, HeadWriter& out) {
  write_local_head(reply, date, out);
  if (!reply.to_head && !reply.to_grpc && may_have_body(reply.status)) out.put(reply.body);
}

void put_html(std::string_view text, HeadWriter& out) {
  for (const char c : text) switch (c) {
      case '&': out.put("&amp;"); break;
      case '<': out.put("&lt;"); break;
      case '>': out.put("&gt;"); break;
      case '"': out.put("&quot;"); break;
      case '\'': out.put("&#39;"); break;
      default:
        out.put(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? std::string_view("?") : std::string_view(&c, 1));
    }
}

std::string_view html_page(int status, std::string_view detail, std::span<char, page_bytes_max> buffer) {
  constexpr std::size_t detail_bytes_max = 512;
  HeadWriter out(buffer);
  out.put("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
  out.put(static_cast<std::uint64_t>(status));
  out.put(" ");
  out.put(reason_phrase(status));
  out.put("</title></head>\n<body><h1>");
  out.put(reason_phrase(status));
  out.put("</h1>");
  if (!detail.empty()) {
    out.put("<p>");
    put_html(detail.substr(0, detail_bytes_max), out);
    out.put("</p>");
  }
  out.put("</body></html>\n");
  return out.text();
}

}  // namespace gatehouse::http
