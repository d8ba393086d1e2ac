// acme_keys.h: the key table of `certificates.acme`. Pure.
#pragma once

#include "conf/config.h"
#include "conf/form.h"

namespace gatehouse::conf {

Form<Acme> acme();

}  // namespace gatehouse::conf
