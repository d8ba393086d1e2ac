// admission_guard.h: what the guard says of a request, in the words of admission. Pure but for the tables it counts
// in.
//   Two gates: before the route is looked for (bans, limits of every request), and once it is known (the route's
//   own).
#pragma once

#include "proxy/admission.h"

namespace gatehouse::proxy {

// True: refused. REQUIRES that the client is known.
bool stop_at_gate(const Arrival& arrival, const World& world, Admission& admission);
// The same by the limits of the route that was found. REQUIRES its policy.
bool stop_at_route(const Arrival& arrival, const World& world, Admission& admission);

}  // namespace gatehouse::proxy
