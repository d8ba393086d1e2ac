#include "ratelimit/log_event.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <boost/json.hpp>

namespace gatehouse::ratelimit {
namespace {

namespace json = boost::json;

// The rest is what stands behind the time.
std::optional<std::int64_t> read_time(const std::string& text, const char* form, std::string_view& rest) {
  std::tm time{};
  const char* const end = ::strptime(text.c_str(), form, &time);
  if (end == nullptr) return std::nullopt;
  rest = std::string_view(text).substr(static_cast<std::size_t>(end - text.c_str()));
  const long zone = time.tm_gmtoff;  // of %z; timegm clears it
  return (static_cast<std::int64_t>(::timegm(&time)) - zone) * 1000;
}

// "2026-07-28T12:03:04.123Z", as our log writes it.
std::optional<std::int64_t> read_own_time(const std::string& text) {
  std::string_view rest;
  const auto seconds = read_time(text, "%Y-%m-%dT%H:%M:%S", rest);
  if (!seconds || !rest.ends_with('Z')) return std::nullopt;
  rest.remove_suffix(1);
  if (rest.empty()) return seconds;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (rest.size() < 2 || rest.size() > 10 || rest[0] != '.') return std::nullopt;
  if (!std::all_of(rest.begin() + 1, rest.end(), is_digit)) return std::nullopt;
  const std::string millis = (std::string(rest.substr(1)) + "00").substr(0, 3);
  return *seconds + std::atoi(millis.c_str());
}

void split_target(std::string_view target, LoggedEvent& out) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  out.path = target.substr(0, mark);
  out.query = target.substr(std::min(mark + 1, target.size()));
}

std::string text_of(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}
std::int64_t number_of(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

std::optional<LoggedEvent> read_own(std::string_view line) {
  boost::system::error_code error;
  const json::value read = json::parse(json::string_view(line.data(), line.size()), error);
  if (error || !read.is_object()) return std::nullopt;
  const json::object& from = read.as_object();
  if (text_of(from, "event") != "request") return std::nullopt;
  const auto client = IpAddress::parse(text_of(from, "client_address"));
  const auto time = read_own_time(text_of(from, "time"));
  const std::int64_t status = number_of(from, "status");
  if (!client || !time || status < 0 || status > 999) return std::nullopt;
  LoggedEvent out;
  out.client = *client;
  out.wall_ms = *time;
  out.status = static_cast<int>(status);
  out.by = number_of(from, "attempts") == 0 ? "door" : "backend";
  split_target(text_of(from, "path"), out);
  for (const auto& [key, to] :
       {std::pair("method", &out.method), std::pair("host", &out.host), std::pair("termination", &out.termination),
        std::pair("service", &out.service), std::pair("user_agent", &out.user_agent),
        std::pair("referer", &out.referer), std::pair("request_id", &out.request_id)})
    *to = text_of(from, key);
  return out;
}

// Takes what stands up to the next `end`, and the end.
std::optional<std::string_view> take_to(std::string_view& line, std::string_view end) {
  const std::size_t at = line.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view out = line.substr(0, at);
  line.remove_prefix(at + end.size());
  return out;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// What stands in quotes: nginx writes bytes as \xNN, Apache quotes as \" too.
std::optional<std::string> take_quoted(std::string_view& line) {
  if (!line.starts_with('"')) return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return out == "-" ? std::string() : out;
    }
    if (line[i] != '\\' || i + 1 == line.size()) {
      out += line[i];
      continue;
    }
    const bool is_byte =
        i + 3 < line.size() && line[i + 1] == 'x' && digit_of(line[i + 2]) >= 0 && digit_of(line[i + 3]) >= 0;
    if (is_byte)
      out += static_cast<char>(digit_of(line[i + 2]) * 16 + digit_of(line[i + 3]));
    else
      out += line[i + 1];
    i += is_byte ? 3 : 1;
  }
  return std::nullopt;
}

// ADDRESS - USER [TIME] "REQUEST" STATUS BYTES "REFERER" "USER AGENT" ...
std::optional<LoggedEvent> read_combined(std::string_view line) {
  LoggedEvent out;
  out.form = LoggedEvent::Form::combined;
  const auto address = take_to(line, " ");
  const auto client = address ? IpAddress::parse(*address) : std::nullopt;
  const auto names = take_to(line, "[");  // who identd and the server take it for
  const auto when = names ? take_to(line, "] ") : std::nullopt;
  if (!client || !when) return std::nullopt;
  std::string_view rest;
  const auto time = read_time(std::string(*when), "%d/%b/%Y:%H:%M:%S %z", rest);
  const auto request = time && rest.empty() ? take_quoted(line) : std::nullopt;
  if (!request || !line.starts_with(' ') || line.size() < 4) return std::nullopt;
  const std::string_view status = line.substr(1, 3);
  if (!std::all_of(status.begin(), status.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  line.remove_prefix(4);
  if (!take_to(line, " ") || !take_to(line, " ")) return std::nullopt;
  const auto referer = take_quoted(line);
  if (!referer || !line.starts_with(' ')) return std::nullopt;
  line.remove_prefix(1);
  const auto agent = take_quoted(line);
  if (!agent) return std::nullopt;
  out.client = *client;
  out.wall_ms = *time;
  out.status = std::atoi(std::string(status).c_str());
  out.referer = *referer;
  out.user_agent = *agent;
  std::string_view words = *request;
  const auto method = take_to(words, " ");
  const auto target = method ? take_to(words, " ") : std::nullopt;
  if (target && words.starts_with("HTTP/")) {
    out.method = *method;
    split_target(*target, out);
  }
  return out;
}

}  // namespace

Event LoggedEvent::event() const {
  Event out;
  out.client = client;
  out.method = method, out.host = host, out.path = path, out.query = query;
  out.status = status;
  out.termination = termination, out.by = by, out.service = service;
  out.user_agent = user_agent, out.referer = referer, out.request_id = request_id;
  return out;
}

std::optional<LoggedEvent> read_logged_event(std::string_view line) {
  if (line.size() > LoggedEvent::line_bytes_max || line.find('\0') != std::string_view::npos) return std::nullopt;
  return line.starts_with('{') ? read_own(line) : read_combined(line);
}

bool is_logged(LoggedEvent::Form form, std::string_view field) {
  if (field == "headers" || field.starts_with("header:") || field == "reason" || field == "user") return false;
  const bool own_alone = field == "host" || field == "termination" || field == "by" || field == "service";
  return form == LoggedEvent::Form::own || !own_alone;
}

}  // namespace gatehouse::ratelimit
