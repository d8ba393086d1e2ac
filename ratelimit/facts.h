// facts.h: what limits may know of a request, in their own words: they see no HTTP. Borrowed for one call.
#pragma once

#include <string_view>

#include "net/ip.h"

namespace gatehouse::ratelimit {

// How a request's fields are read; empty: it has none of that name.
class RequestFields {
 public:
  virtual std::string_view header(std::string_view name) const = 0;
  virtual std::string_view cookie(std::string_view name) const = 0;

 protected:
  ~RequestFields() = default;
};

struct RequestFacts {
  IpAddress client;
  bool client_known = true;               // false: it is a trusted proxy that names nobody
  std::string_view service, path;         // empty before the route is known
  const RequestFields* fields = nullptr;  // null: there are none (TCP)
};

}  // namespace gatehouse::ratelimit
