// crawlers.h: crawlers of search engines, by what they call themselves and how that is proved. Pure.
//   Proof is the name of the address: it has to end in a domain of the crawler's, at a label, and to lead back to the
//   address (forward-confirmed reverse DNS), as each of them tells operators to check.
//   Sources  the crawlers' own pages: developers.google.com/search, bing.com/webmasters, support.apple.com/119829,
//            duckduckgo.com/duckduckbot, yandex.com/support/webmaster, baidu.com/search/robots, seznam.cz, petalsearch.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::ratelimit {

struct Crawler {
  std::string_view name;   // of guard.crawlers
  std::string_view agent;  // stands in its User-Agent, in any case of letters
  std::vector<std::string_view> domains;
};

std::span<const Crawler> known_crawlers();

// The one that a User-Agent claims to be, of those with these names; null: none.
const Crawler* claimed_crawler(std::string_view user_agent, std::span<const std::string> names);

// Whether a host's name is the crawler's own.
bool is_of(const Crawler& crawler, std::string_view host);

}  // namespace gatehouse::ratelimit
