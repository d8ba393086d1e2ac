// event.h: something that happened with a client, as filters see it: a request and its answer, what an application
//   said of it, a handshake that failed, misbehaviour in HTTP/2, or a ban. Borrowed views, for one call; the names of
//   the fields are the access log's.
#pragma once

#include <string_view>

#include "net/ip.h"
#include "ratelimit/facts.h"

namespace gatehouse::ratelimit {

// All fields of a request that a filter may search at once.
class EventFields : public RequestFields {
 public:
  // True: some field's value is one that `matches` accepts.
  virtual bool any_header(bool (*matches)(const void* with, std::string_view value), const void* with) const = 0;
};

// Kinds of events besides "request". A filter that names none means requests alone.
namespace event_kind {
inline constexpr std::string_view ban = "ban", tls = "tls", http2 = "http2", tunnel = "tunnel",
                                  application = "application", crawler = "crawler";
}

struct Event {
  std::string_view event = "request";
  IpAddress client;
  std::string_view method, host, path, query;  // as sent
  int status = 0;
  std::string_view termination, by, service;  // by: door, backend
  std::string_view user_agent, referer, request_id;
  std::string_view reason, user;        // what went wrong; whom the application named
  unsigned weight = 1;                  // counts as so many
  const EventFields* fields = nullptr;  // null: there are none
};

}  // namespace gatehouse::ratelimit
