#include "tunnel/stunnel_conf.h"

#include <algorithm>

#include "conf/words.h"

namespace gatehouse::tunnel {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

using conf::lower, conf::trimmed;

}  // namespace

StunnelConf read_stunnel_conf(std::string_view text, const std::string& file) {
  StunnelConf out;
  out.sections.push_back({});
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  unsigned number = 0;
  std::size_t options = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == ';' || line.front() == '#') continue;
    const auto error = [&](std::string what) { out.findings.push_back({{file, number, 1}, "", std::move(what)}); };
    if (line.front() == '[') {
      if (line.back() != ']') {
        error("a section's name ends with ]");
        continue;
      }
      out.sections.push_back({std::string(trimmed(line.substr(1, line.size() - 2))), number, {}});
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      error(conf::printable(line, 64) + ": write OPTION = VALUE");
      continue;
    }
    if (++options > stunnel_options_max) {
      error("more than " + std::to_string(stunnel_options_max) + " options");
      break;
    }
    out.sections.back().options.push_back(
        {lower(trimmed(line.substr(0, equals))), std::string(trimmed(line.substr(equals + 1))), number});
  }
  return out;
}

}  // namespace gatehouse::tunnel
