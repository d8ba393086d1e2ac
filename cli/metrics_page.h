// metrics_page.h: what the metrics address answers, read-only: /metrics (Prometheus text), /healthz, /readyz and /.
//   Judged in this order: the peer must be in metrics.allow (403 to one that was when it
//   connected; who isn't then is not listened to); the Host must be an address, localhost or one of
//   metrics.hosts (421), so that no web page can make a browser read this by a name of its own (DNS rebinding); GET
//   or HEAD (405); a path we have (404).
//   Limits   services_most services have series of their own, and with ?endpoints=1 endpoints_most endpoints; what
//            is left out is counted in gatehouse_series_left_out. Names, units and meanings: docs/metrics.md.
#pragma once

#include <string>

#include "cli/door_view.h"
#include "cli/http_message.h"

namespace gatehouse::cli {

inline constexpr std::size_t services_most = 1000, endpoints_most = 5000;

HttpReply answer_metrics(const DoorView& view, const HttpRequest& request);
HttpReply answer_metrics(const Door& door, const HttpRequest& request);

// The Prometheus text alone.
std::string metrics_text(const DoorView& view, bool with_endpoints);

}  // namespace gatehouse::cli
