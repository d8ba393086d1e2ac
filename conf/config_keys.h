// config_keys.h: every key of gatehouse.yaml, one table per section, as one form for the whole file.
//   The reader, `check`, the dump, the difference and docs/reference/configuration.md are all driven by it.
//   What may be said of a service stands in service_keys.h, because tags say it too.
#pragma once

#include "conf/config.h"
#include "conf/form.h"

namespace gatehouse::conf {

const Form<Config>& config_form();

// What holds when the file is empty.
Config default_config(const Surroundings& around);

}  // namespace gatehouse::conf
