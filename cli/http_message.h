// http_message.h: a request to the control plane and its answer, as values. Pure; the sockets are http_server_io.h's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/ip.h"

namespace gatehouse::cli {

struct HttpRequest {
  std::string method, target, path, host;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::map<std::string, std::string, std::less<>> query;  // decoded; of a name given twice the last one
  std::string by;                                         // who asks: "uid 1000 (pid 4711)" on a Unix socket
  IpAddress peer;                                         // on TCP

  std::string query_or(std::string_view name, std::string_view otherwise = {}) const {
    const auto found = query.find(name);
    return std::string(found == query.end() ? otherwise : std::string_view(found->second));
  }
};

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow = {};  // the methods there are, of a 405
};

inline constexpr const char* json_type = "application/json";

// Splits a request target; percent-escapes of the query are decoded ('+' is itself).
void split_target(std::string_view target, HttpRequest& into);
std::string percent_encode(std::string_view text);

}  // namespace gatehouse::cli
