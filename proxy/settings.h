// settings.h: what of gatehouse.yaml a request needs to know. Part of the world: swapped whole, never changed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "ratelimit/rules.h"

namespace gatehouse::proxy {

struct Settings {
  std::string node;
  conf::Limits limits;
  std::vector<IpPrefix> trusted_proxies;
  std::uint16_t https_port = 0;  // of the first TLS listener, where http is redirected to; 0: there is none
  bool access_log = true;
  bool redact_query = false;                      // the access log's path ends before its query
  std::vector<std::string> redact;                // access log fields written as "-"
  std::shared_ptr<const ratelimit::Rules> guard;  // null: there is none
};

}  // namespace gatehouse::proxy
