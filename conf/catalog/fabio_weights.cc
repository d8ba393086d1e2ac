#include "conf/catalog/fabio_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "conf/catalog/fabio_tags.h"

namespace gatehouse::catalog {
namespace {

struct Member {
  std::size_t instance = 0;
  double share = 0;  // 0: of what is left
};

// fabio takes a share that can't be read, or is none, as not said.
double share_of(const FabioTag& tag) {
  const std::string* text = tag.option("weight");
  if (text == nullptr) return 0;
  double share = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), share);
  const bool whole = read.ec == std::errc() && read.ptr == text->data() + text->size();
  return whole && std::isfinite(share) && share > 0 ? std::min(share, 1e6) : 0;
}

unsigned weight_of(double share) {
  constexpr double whole = 10'000;  // fabio's slots of a route
  return static_cast<unsigned>(std::max(1.0, std::round(share * whole)));
}

}  // namespace

std::map<std::size_t, unsigned> fabio_weights(std::span<const conf::Instance> instances) {
  std::map<std::string, std::vector<Member>> routes;
  std::vector<std::vector<const std::vector<Member>*>> routes_of(instances.size());
  for (std::size_t i = 0; i < instances.size(); ++i) {
    for (const std::string& text : instances[i].tags) {
      const std::optional<FabioTag> tag = parse_fabio_tag(text);
      if (!tag) continue;
      std::vector<Member>& members = routes[tag->source];
      members.push_back({i, share_of(*tag)});
      routes_of[i].push_back(&members);
    }
  }
  std::map<std::size_t, unsigned> weights;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    for (const std::vector<Member>* members : routes_of[i]) {
      double fixed = 0, own = 0;
      std::size_t others = 0;
      for (const Member& member : *members) {
        fixed += member.share;
        if (member.share == 0) ++others;
        if (member.instance == i) own = member.share;
      }
      if (fixed == 0) continue;
      const double left = others == 0 ? 0 : std::max(0.0, 1 - fixed) / static_cast<double>(others);
      const bool scaled = fixed > 1 || others == 0;
      weights[i] = weight_of(own == 0 ? left : own / (scaled ? fixed : 1));
      break;
    }
  }
  return weights;
}

}  // namespace gatehouse::catalog
