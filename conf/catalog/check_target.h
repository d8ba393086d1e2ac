// check_target.h: where a Consul check asks: "http://user:password@host:8080/path?query", "host:port". Pure.
#pragma once

#include <string_view>

#include "conf/service.h"

namespace gatehouse::catalog {

// Sets host, port, TLS and path; a user and password become the field Authorization, as in Go. False: not such a URL.
bool set_url(conf::HealthCheck& check, std::string_view url);

// Sets host and port; without a host it is this machine, as in Go's net.Dial.
bool set_host_port(conf::HealthCheck& check, std::string_view text);

// Whether it is an address or a name that can be resolved.
bool is_host(std::string_view text);

}  // namespace gatehouse::catalog
