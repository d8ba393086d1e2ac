// json.h: the one door to Boost.JSON for what the program says of itself.
#pragma once

#include <boost/json.hpp>

namespace gatehouse {
namespace json = boost::json;
}
