// service_keys.h: the one table of what may be said of a service, a route, a host or an instance.
//   gatehouse.yaml (services: and hosts:), native tags (gatehouse.KEY=VALUE) and the generated reference all read it;
//   the grammar of each key stands beside it in service_keys.cc and writes into the plain data of service.h. Pure.
//   A key that this release does not carry is in the table all the same, so that it is told apart from a typing
//   error.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse::conf {

enum class Protocol;
enum class Balance;
enum class Zone;
enum class OnUnhealthy;
enum class OnReturn;
enum class SendProxy;
enum class Forwarded;
enum class Trace;

struct Subject;  // service_apply.h: what settings write into

enum class Scope { service, route, host, instance };  // a route's key may be said of the service: of all its routes
enum class Trust { tags, file_only };  // who may say it; file_only: names paths or secrets, or weakens verification

struct ServiceKey {
  std::string_view name, value_form;
  Scope scope;
  Trust trust;
  bool repeatable;   // one value or a list
  bool restricting;  // allow, deny, auth, rate_limit: in doubt the route is refused, never opened
  bool carried;      // false: read and reported, not done by this release
  Status (*apply)(Subject&, std::string_view value);  // its grammar; null: route's, route_value.h
  std::string_view fallback;                          // the default, as text
  std::string_view meaning;
  bool on_host = false;  // may stand in hosts: too
};

std::span<const ServiceKey> service_keys();
const ServiceKey* find_service_key(std::string_view name);
std::string_view nearest_service_key(std::string_view name);  // empty: none is near

// The word that says it.
std::string_view name_of(Protocol);
std::string_view name_of(Balance);
std::string_view name_of(Zone);
std::string_view name_of(OnUnhealthy);
std::string_view name_of(OnReturn);
std::string_view name_of(SendProxy);
std::string_view name_of(Forwarded);

// Checks one key's grammar and trust. nullopt: fine; else what is wrong and what to write instead. Whether the key or
// this value of it is carried is another question: not_carried().
std::optional<std::string> check_setting(std::string_view key, std::string_view value, Trust said_by);

// What to say of a well-formed setting that this release does not do ("not carried yet: ignored").
struct NotCarried {
  std::string what;
  bool refused;  // without it more would be let through than was asked for, so what it is about is not served
};
std::optional<NotCarried> not_carried(std::string_view key, std::string_view value);  // nullopt: it is carried

}  // namespace gatehouse::conf
