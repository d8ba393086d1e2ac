// tunnel_view.h: tunnels as status and metrics show them.
//   Limits  series_most identities have series of their own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/json.h"
#include "cli/tunnels.h"

namespace gatehouse::cli {

struct TunnelFigure {
  const char *name, *help;
  bool is_counter;
  double value;
  std::vector<std::pair<std::string, std::string>> labels;
};

std::vector<TunnelFigure> tunnel_figures(const Tunnels& tunnels, std::int64_t wall_ms);
json::object tunnels_json(const Tunnels& tunnels, std::int64_t wall_ms, std::int64_t steady_ms);

}  // namespace gatehouse::cli
