// stunnel_conf.h: the text of a stunnel.conf to sections of options, as stunnel reads it.
//   Comments begin with ';' or '#', a byte-order mark is skipped, the last line may lack its end, names are
//   case-insensitive; what stands before the first [section] holds for all; names of sections may come twice. Pure.
//   Limits  file_bytes_max; options_max.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"

namespace gatehouse::tunnel {

inline constexpr std::size_t stunnel_bytes_max = 1 << 20, stunnel_options_max = 10'000;

struct StunnelOption {
  std::string name, value;  // name in lower case
  unsigned line = 0;
};

struct StunnelSection {
  std::string name;  // empty: what stands before the first
  unsigned line = 0;
  std::vector<StunnelOption> options;
};

struct StunnelConf {
  std::vector<StunnelSection> sections;  // the first is the global one
  conf::Findings findings;
};

StunnelConf read_stunnel_conf(std::string_view text, const std::string& file);

}  // namespace gatehouse::tunnel
