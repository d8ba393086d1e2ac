// tags.h: native tags, gatehouse.KEY=VALUE, to a layer of settings. Pure.
//   Splits alone: whether a key is known and its value right is review.h's question. Other tags are not ours and are
//   passed over in silence.
#pragma once

#include "conf/service.h"
#include "conf/service_layer.h"

namespace gatehouse::catalog {

conf::ServiceLayer native_layer(const conf::Instance& instance);

}  // namespace gatehouse::catalog
