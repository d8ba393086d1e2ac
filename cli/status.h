// status.h: the whole state as JSON: what `gatehouse status --json`, the text of status_text.h and scripts read.
//   Fields are added, not renamed; what is not so is left out or false. Times are RFC 3339 in UTC, sizes bytes.
//   Pure but for the counters it reads: see DoorView.
#pragma once

#include <string>

#include "cli/door_view.h"
#include "cli/json.h"

namespace gatehouse::cli {

json::object status_json(const DoorView& view);

// Why an endpoint gets no new requests now: "draining", "down", "ejected for 12 s"; empty: it may get some.
std::string standing_words(const pool::Endpoint& endpoint, std::int64_t steady_ms);

// What stands behind a health that is not up: the last words of its failing checks, else the last failure.
std::string health_reason(const pool::Endpoint& endpoint, const DoorView& view);

}  // namespace gatehouse::cli
