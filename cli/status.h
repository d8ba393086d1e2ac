// status.h: the whole state as JSON: what `gatehouse status --json`, the text of status_text.h and scripts read.
//   Fields are added, not renamed; what is not so is left out or false. Times are RFC 3339 in UTC, sizes bytes.
//   Pure but for the counters it reads: see DoorView.
#pragma once

#include <optional>
#include <string>

#include "cli/door_view.h"
#include "cli/json.h"

namespace gatehouse::cli {

// The same, and what changed last: for the status page.
json::object status_page_json(const DoorView& view);
json::object status_json(const DoorView& view);

// What is wrong with the configuration, the catalog and the certificates that hold now.
conf::Findings problems_of(const DoorView& view);

// What somebody should look at now: a `single` service with more than one healthy endpoint; one without any, whose
// unhealthy ones are tried.
struct Emergency {
  conf::Finding finding;
  std::string over;  // what is to be told once it has ended
};
std::optional<Emergency> emergency_of(const proxy::ServicePool& pool);

// Of a door that just began: "http [::]:80, https [::]:443 (tls), metrics 127.0.0.1:9901; 3 services, 5 endpoints,
// no problems".
std::string serving_words(const DoorView& view);

// Why an endpoint gets no new requests now: "draining", "down", "rests after 3 failed connections, …"; empty: it may
// get some.
std::string standing_words(const pool::Endpoint& endpoint, std::int64_t steady_ms);

// What stands behind a health that is not up: the last words of its failing checks, else the last failure.
std::string health_reason(const pool::Endpoint& endpoint, const DoorView& view);

}  // namespace gatehouse::cli
