// trace_context.h: the field `traceparent` (W3C Trace Context, level 1). Pure, no allocation.
//   One that is valid passes as it came; its trace id is logged. One that is not is as good as none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

// The 32 digits of its trace id; empty: it is not valid. Versions to come are read as far as this one goes (3.2.4).
std::string_view trace_id(std::string_view traceparent);

using TraceParent = std::array<char, 55>;
// A new one, sampled, of three throws of dice.
TraceParent make_traceparent(std::uint64_t high, std::uint64_t low, std::uint64_t parent);

}  // namespace gatehouse::http
