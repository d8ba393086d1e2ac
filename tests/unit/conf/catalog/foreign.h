// foreign.h: instances with foreign tags, and what the tests ask of what becomes of them.
#pragma once

#include <string>
#include <vector>

#include "conf/catalog/foreign.h"

namespace gatehouse::catalog {

using Texts = std::vector<std::string>;

inline conf::Instance instance_with(const Texts& tags) {
  conf::Instance out{
      .datacenter = "dc1", .node = "fd1", .service = "web", .id = "web-1", .address = "10.0.0.1", .port = 8000};
  out.tags = tags;
  out.at = {{"web.json", 3, 5}};
  return out;
}

inline Texts values(const ForeignTags& tags, const std::string& key) {
  Texts out;
  if (const auto said = tags.layer.settings.find(key); said != tags.layer.settings.end())
    for (const conf::Setting& setting : said->second) out.push_back(setting.value);
  return out;
}

}  // namespace gatehouse::catalog
