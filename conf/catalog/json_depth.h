// json_depth.h: JSON without what is nested deeper than somebody cares to look. Pure.
//   Who registers a service may nest what Consul keeps for others as deep as it likes; that must not take the rest of
//   an answer along. Objects and lists beyond the depth become null. What is no JSON stays none.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::catalog {

std::string cut_below(std::string_view json, unsigned depth_most);

}  // namespace gatehouse::catalog
