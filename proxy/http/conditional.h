// conditional.h: conditions of a request on what is there now, in the order of RFC 9110 13.2.2.
//   If-Match and If-Range compare strongly, If-None-Match weakly. A date or tag that can't be read is a condition
//   that is ignored (If-Modified-Since, If-Unmodified-Since) or that nothing meets (tags). Pure, no allocation.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http/head.h"

namespace gatehouse::http {

// What is there: the representation that a GET without conditions would bring.
struct Validators {
  std::string_view etag;       // with its quotes, W/ if it is weak; empty: none
  std::int64_t modified = -1;  // seconds since 1970; -1: not known
  std::int64_t now = 0;        // the same, for dates with two-digit years and for what was modified this second
};

enum class Precondition { go_on, not_modified, failed };  // 304, 412

// For a request of a method that reads (GET, HEAD): REQUIRES that it would be answered with 200.
Precondition judge_conditions(const RequestHead& head, const Validators& is);

// Whether the request's Range counts: there is no If-Range, or it names what is there.
bool range_applies(const RequestHead& head, const Validators& is);

// Tags in a list as of If-None-Match. Weak: W/ is no difference.
bool any_tag_matches(std::string_view list, std::string_view etag, bool weak);

}  // namespace gatehouse::http
