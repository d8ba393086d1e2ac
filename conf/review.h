// review.h: what is wrong with, or not done of, the settings that a layer holds. Pure.
//   Findings are made here, once per layer; merge.h only uses what is fine. So a wrong tag that a hundred routes
//   would use is told once.
#pragma once

#include <string>
#include <string_view>

#include "conf/finding.h"
#include "conf/service_keys.h"
#include "conf/service_layer.h"

namespace gatehouse::conf {

Trust said_by(const ServiceLayer& layer);  // gatehouse.yaml's layers may say all; tags what their key allows

// A key's path in findings: "services.off.timeout", "off: gatehouse.timeout" or "off: timeout, by its fabio tags".
std::string setting_path(const ServiceLayer& layer, std::string_view service, std::string_view key);

Findings review_layer(const ServiceLayer& layer, std::string_view service);

enum class Use {
  yes,
  ignore,  // wrong or not carried, and nothing is lost but the wish
  refuse,  // wrong or not carried, and it restricts: what it is about is not served
};
struct Verdict {
  Use use = Use::yes;
  std::string why;
};
Verdict judge_setting(std::string_view key, std::string_view value, Trust said_by);

}  // namespace gatehouse::conf
