// entry_filter.h: the filter of a service-resolver's subset, asked of one instance. Pure.
//   Read: ==, !=, in, not in, contains, not contains, is empty, is not empty; and, or, not, parentheses; about
//   Service.Meta, Service.Tags, Service.ID, Service.Service, Node.Node and Node.Datacenter. Regular expressions and
//   other selectors are refused whole.
//   Limits  4 KiB, nesting 16. Source: Consul's API documentation, features/filtering.
#pragma once

#include <cstddef>
#include <string_view>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::catalog {

constexpr std::size_t filter_bytes_most = 4096;

// An empty filter lets everybody in. Whether it can be read does not hang on the instance.
Result<bool> is_in_subset(std::string_view filter, const conf::Instance& instance);

}  // namespace gatehouse::catalog
