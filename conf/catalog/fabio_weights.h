// fabio_weights.h: the shares that fabio's tags give instances ("weight=0.2" is a fifth of the route). Pure.
//   Fixed shares count first, more than all of them together are scaled down to all; the other instances of the route
//   share what is left. A share becomes the instance's weight; an instance on several such routes has that of its
//   first.
#pragma once

#include <map>
#include <span>

#include "conf/service.h"

namespace gatehouse::catalog {

// By index of the instance; without an entry nothing is said of its weight.
std::map<std::size_t, unsigned> fabio_weights(std::span<const conf::Instance> instances);

}  // namespace gatehouse::catalog
