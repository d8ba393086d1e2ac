// A stranger's host, path, method, query and cookie against the matcher, a redirect and a sticky cookie: the lookup
// and its explanation must agree, a host policy must hold however the host is written, a Location must be one line.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "proxy/pool/sticky.h"
#include "proxy/route/matcher.h"
#include "proxy/route/redirect_url.h"

namespace {

using namespace gatehouse;

void require(bool holds) {
  if (!holds) std::abort();
}

const route::Matcher& matcher() {
  static const route::Matcher made = [] {
    auto service = std::make_shared<conf::Service>();
    for (const auto* host : {"a.b", "*.b", "**.b", "**.c.b", "", "localhost"}) {
      for (const auto* path : {"/", "/x", "/x/y", "/x/y/z", "/admin"}) {
        for (const std::uint16_t port : {0, 443}) {
          conf::Route route;
          route.match = {host, port, path, {}, {}};
          if (port) route.match.methods = {"GET"};
          service->routes.push_back(route);
        }
      }
    }
    conf::Findings findings;
    return route::Matcher({service}, {{"**.b", {.allow = {*IpPrefix::parse("10.0.0.0/8")}}}}, findings);
  }();
  return made;
}

void match(std::string_view host, std::string_view path, std::string_view method) {
  for (const std::uint16_t port : {80, 443}) {
    const route::RouteRequest request{.host = host, .port = port, .path = path, .method = method};
    const auto match = matcher().match(request);
    const auto candidates = matcher().explain(request);
    const auto taken = std::ranges::find(candidates, "taken", &route::Candidate::verdict);
    require(match.target == (taken == candidates.end() ? nullptr : taken->target));
    std::string name(host);
    if (name.ends_with('.')) name.pop_back();
    const bool below_b = name.size() > 2 && name.size() <= 255 && (name.ends_with(".b") || name.ends_with(".B"));
    if (below_b && name.front() != '.') require(!match.permits(IpAddress::v4(192, 0, 2, 1)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 5> part;  // host, path, method, query, cookie
  for (auto& each : part) {
    each = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
  }
  match(part[0], part[1], part[2]);

  for (const auto* url : {"https://$host$path?$query", "$path", "/new$path"}) {
    const auto location = route::expand_redirect(url, {.host = part[0], .path = part[1], .query = part[3]});
    if (!location) continue;
    for (char c : *location) require(static_cast<unsigned char>(c) > ' ' && c != '\x7f');
    if (*url == '$') require(location->size() < 2 || ((*location)[1] != '/' && (*location)[1] != '\\'));
  }

  static const std::vector<pool::Endpoint> endpoints(3);
  static const pool::Sticky sticky("s", "gh", endpoints, std::vector<pool::StickyKey>(2));
  if (const auto found = sticky.find(part[4])) {
    const auto value = sticky.set_cookie(*found, false).substr(3, pool::sticky_value_size);
    require(value == part[4] || sticky.find(value));
  }
  return 0;
}
