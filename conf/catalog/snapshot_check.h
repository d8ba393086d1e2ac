// snapshot_check.h: a check as the Consul definition that it is read from again: check_definition.h backwards. Pure.
#pragma once

#include <boost/json.hpp>

#include "conf/service.h"

namespace gatehouse::catalog {

boost::json::object check_definition(const conf::HealthCheck& check);

}  // namespace gatehouse::catalog
