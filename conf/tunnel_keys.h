// tunnel_keys.h: the keys of `tunnel:`, and what they need of each other.
#pragma once

#include "conf/config.h"
#include "conf/finding.h"
#include "conf/form.h"

namespace gatehouse::conf {

Form<Tunnel> tunnel();

// Judgments over the whole section; to be placed. `sound`: whether what stands at a path could be read.
Findings check_tunnel(const Config& config, const std::function<bool(std::string_view)>& sound);

}  // namespace gatehouse::conf
