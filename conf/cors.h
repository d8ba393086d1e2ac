// cors.h: the key `cors`: which other origins' pages may use a route (Fetch, "CORS protocol"). Pure.
//   The door answers preflights by itself and writes these fields in place of the backend's. What carries credentials
//   is never open to any origin. `null` is the origin of every sandbox and file, and can't be named.
//   Limits   64 origins; the names of methods and fields 1 KiB together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::conf {

struct Cors {
  static constexpr std::size_t origins_max = 64, names_bytes_max = 1024, origin_bytes_max = 512;
  bool any = false;  // "*"
  // "https://shop.example", "https://*.shop.example:8443" (* is one label); lower case
  std::vector<std::string> origins;
  std::string methods = "GET, HEAD, POST";
  std::string fields;  // that a page may send; "*": those it asks for
  std::string expose;  // that a page may read
  bool credentials = false;
  Millis max_age = 10min;

  bool admits(std::string_view origin) const;
  bool operator==(const Cors&) const = default;
};

// "https://a.example,https://*.b.example methods=GET,PUT fields=X-A expose=X-B credentials=true max_age=1h"
Result<Cors> parse_cors(std::string_view text);

}  // namespace gatehouse::conf
