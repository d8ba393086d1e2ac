#include "ratelimit/crawlers.h"

#include <algorithm>

namespace gatehouse::ratelimit {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool holds(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

}  // namespace

std::span<const Crawler> known_crawlers() {
  static const std::vector<Crawler> all = {
      {"googlebot", "Googlebot", {"googlebot.com", "google.com"}},
      {"bingbot", "bingbot", {"search.msn.com"}},
      {"applebot", "Applebot", {"applebot.apple.com"}},
      {"duckduckbot", "DuckDuckBot", {"duckduckgo.com"}},
      {"yandex", "Yandex", {"yandex.ru", "yandex.net", "yandex.com"}},
      {"baiduspider", "Baiduspider", {"baidu.com", "baidu.jp"}},
      {"seznambot", "SeznamBot", {"seznam.cz"}},
      {"petalbot", "PetalBot", {"petalsearch.com"}},
  };
  return all;
}

const Crawler* claimed_crawler(std::string_view user_agent, std::span<const std::string> names) {
  for (const Crawler& each : known_crawlers())
    if (std::find(names.begin(), names.end(), each.name) != names.end() && holds(user_agent, each.agent))
      return &each;
  return nullptr;
}

bool is_of(const Crawler& crawler, std::string_view host) {
  return std::any_of(crawler.domains.begin(), crawler.domains.end(), [&](std::string_view domain) {
    return host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
  });
}

}  // namespace gatehouse::ratelimit
