// dump.h: a Config as the YAML that reads to an equal Config: `gatehouse check --print`.
//   Paths come out absolute, durations and sizes in their shortest form, services as their tags' strings.
#pragma once

#include <string>

#include "conf/config.h"
#include "conf/reading.h"

namespace gatehouse::conf {

enum class Dump { differing, everything };  // differing: only what is not the default in these surroundings

std::string dump_config(const Config& config, Dump what, const Surroundings& around);

}  // namespace gatehouse::conf
