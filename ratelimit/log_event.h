// log_event.h: an event out of a line of a log, so that rules can be tried on what was: a line of our own access log
//   (docs/access-log.md), or of nginx's and Apache's "combined", with or without more behind it. Pure.
//   A line may be a stranger's work: whatever is in it is read as data, and what is of neither form is none.
//   Limits  line_bytes_max; a longer one is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratelimit/event.h"

namespace gatehouse::ratelimit {

struct LoggedEvent {
  static constexpr std::size_t line_bytes_max = 64 << 10;
  enum class Form { own, combined };

  Form form = Form::own;
  std::int64_t wall_ms = 0;
  IpAddress client;
  std::string method, host, path, query, termination, by, service, user_agent, referer, request_id;
  int status = 0;

  Event event() const;  // borrows
};

std::optional<LoggedEvent> read_logged_event(std::string_view line);

// Whether events of this form have that field at all.
bool is_logged(LoggedEvent::Form form, std::string_view field);

}  // namespace gatehouse::ratelimit
