// service_apply.h: writes one checked setting into the plain data it is about. Pure.
//   The grammar of every key is here, behind the table of service_keys.h; merge.h calls it key by key, in the order
//   of the table (protocol and the TLS keys before health, which follows them).
#pragma once

#include <string>
#include <string_view>

#include "conf/service.h"
#include "conf/service_keys.h"
#include "net/result.h"

namespace gatehouse::conf {

// What settings write into. A key touches the part of its scope alone.
struct Subject {
  Service service;
  RoutePolicy route;
  Instance instance;
  std::string certificate;  // of the service's hosts
  Position at;              // where the setting that is applied was said
};

// An option of a route: strip, prepend, redirect, or any key of scope route.
Status apply_route_option(Subject& subject, std::string_view name, std::string_view value, Trust said_by);

}  // namespace gatehouse::conf
