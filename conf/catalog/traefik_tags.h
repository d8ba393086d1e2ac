// traefik_tags.h: Traefik's tags, "traefik.http.routers.NAME.rule=…", in our keys. Pure.
//   Read are instances with traefik.enable=true or a router of their own (in Traefik: all); without a router the rule
//   is Host(`SERVICE`), Traefik's default. Each alternative of a router's rule becomes a route, for each entry point
//   where it isn't open everywhere. Routers are chosen as our routes are, not by priority. Everything that a router
//   uses is looked up in the instance's own tags. UDP, and TCP but for TLS that is passed through, are not mapped.
//   Source   Traefik 3.7, pkg/provider/consulcatalog.
#pragma once

#include "conf/catalog/foreign.h"

namespace gatehouse::catalog {

ForeignTags traefik_tags(const conf::Instance& instance, const SpellingContext& context);

}  // namespace gatehouse::catalog
