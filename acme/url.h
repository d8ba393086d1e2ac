// url.h: a CA's URL as where to connect and what to ask there. https alone (RFC 8555 6.1). Pure.
#pragma once

#include <string>
#include <string_view>

#include "net/http_place.h"
#include "net/result.h"

namespace gatehouse::acme {

struct Url {
  static constexpr std::size_t bytes_most = 4096;
  HttpPlace place;
  std::string target;  // path and query
};

Result<Url> read_url(std::string_view text);

}  // namespace gatehouse::acme
