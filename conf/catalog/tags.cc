#include "conf/catalog/tags.h"

namespace gatehouse::catalog {

conf::ServiceLayer native_layer(const conf::Instance& instance) {
  constexpr std::string_view prefix = "gatehouse.";
  conf::ServiceLayer layer{.spelling = "native"};
  for (const std::string_view tag : instance.tags) {
    if (!tag.starts_with(prefix)) continue;
    const std::string_view setting = tag.substr(prefix.size());
    const std::size_t equals = setting.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : setting.substr(equals + 1);
    layer.settings[std::string(setting.substr(0, equals))].push_back({std::string(value), instance.at});
  }
  return layer;
}

}  // namespace gatehouse::catalog
