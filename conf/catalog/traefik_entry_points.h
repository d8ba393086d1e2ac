// traefik_entry_points.h: the listeners that a Traefik router's entry points stand for. Pure.
//   A listener of that name; else `web` and `http` are the first one without TLS, `websecure` and `https` the first
//   with it. Where a router is only to be met over TLS, plain requests are sent to https.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "conf/config.h"

namespace gatehouse::catalog {

struct EntryPlace {
  std::uint16_t port = 0;  // 0: every listener
  std::string http;        // "redirect", "serve"; empty: not said
};

struct EntryPlaces {
  std::vector<EntryPlace> places;
  std::string unknown;  // the entry point that no listener stands for
};

// tls: the router has a tls section.
EntryPlaces entry_places(const std::vector<std::string>& entry_points, bool tls,
                         std::span<const conf::Listen> listen);

}  // namespace gatehouse::catalog
