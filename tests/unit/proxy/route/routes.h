// routes.h: services for matcher tests, a line per route.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/route/matcher.h"

namespace gatehouse::route {

struct Line {
  std::string service, host, path = "/";
  std::uint16_t port = 0;
  std::vector<std::string> methods{};
  std::vector<conf::HeaderMatch> headers{};
  std::string refused{};
};

// Services in the order they are first named; the route's spelling tells which line it was, as a number.
inline Matcher::Services services_of(const std::vector<Line>& lines) {
  std::vector<std::shared_ptr<conf::Service>> services;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    auto service = std::find_if(services.begin(), services.end(), [&](auto& s) { return s->name == line.service; });
    if (service == services.end()) {
      services.push_back(std::make_shared<conf::Service>());
      services.back()->name = line.service;
      service = services.end() - 1;
    }
    conf::Route route;
    route.match = {line.host, line.port, line.path, line.methods, line.headers};
    route.refused = line.refused;
    route.spelling = std::to_string(i);
    (*service)->routes.push_back(std::move(route));
  }
  return {services.begin(), services.end()};
}

using Hosts = std::map<std::string, conf::HostPolicy>;

inline Matcher matcher_of(const std::vector<Line>& lines, const Hosts& hosts = {}) {
  conf::Findings findings;
  Matcher matcher(services_of(lines), hosts, findings);
  for (const auto& finding : findings) ADD_FAILURE() << finding.text();
  return matcher;
}

// The name of the service whose route is taken; empty: none.
inline std::string taken(const Match& match) { return match.target ? match.target->owner->name : ""; }

}  // namespace gatehouse::route
