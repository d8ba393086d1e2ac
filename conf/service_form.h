// service_form.h: one entry of `services:` as the layer that the merge takes.
//   Each key is one of service_keys.h and keeps its text; a value with options may be written as the tag's string,
//   "/status interval=5s", or as a mapping, { value: /status, interval: 5s }. Paths become absolute. What the texts
//   say is judged by review.h. Pure.
#pragma once

#include "conf/form.h"
#include "conf/service_layer.h"

namespace gatehouse::conf {

Form<ServiceLayer> service();
Form<std::string> service_name();
Form<std::string> service_name_or_none();  // none: empty
Result<std::string> check_service_name(std::string_view text);

}  // namespace gatehouse::conf
