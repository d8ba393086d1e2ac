// http_place.h: where a server of HTTP is: "http://127.0.0.1:8500", "https://consul.example:8501",
// "unix:///run/consul/http.sock". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/result.h"

namespace gatehouse {

struct HttpPlace {
  std::string host;  // a name, an address without brackets, or empty
  std::uint16_t port = 0;
  std::string socket;  // a Unix socket's path, or empty
  bool tls = false;

  static Result<HttpPlace> parse(std::string_view url, std::uint16_t usual_port, std::uint16_t usual_tls_port);
  std::string text() const;  // as parse reads it
  bool operator==(const HttpPlace&) const = default;
};

}  // namespace gatehouse
