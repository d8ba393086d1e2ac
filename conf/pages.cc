#include "conf/pages.h"

#include <map>
#include <optional>

namespace gatehouse::conf {
namespace {

std::optional<SharedText> text_before(const RoutingTable* previous, const std::string& file) {
  if (previous == nullptr) return std::nullopt;
  for (const auto& service : previous->services)
    for (const Route& route : service->routes)
      for (const Page& page : route.policy.pages)
        if (page.file == file) return page.body;
  for (const Page& page : previous->pages)
    if (page.file == file) return page.body;
  return std::nullopt;
}

Result<std::string> read_page(const ReadFile& read_file, const std::string& file) {
  Result<std::string> text = read_file(file);
  if (text && text->size() > page_bytes_max) return invalid(file + ": larger than 1 MiB");
  return text;
}

}  // namespace

Findings load_pages(std::vector<Service>& services, std::vector<Page>& of_no_route, const RoutingTable* previous,
                    const ReadFile& read_file) {
  Findings findings;
  std::map<std::string, std::optional<SharedText>> texts;
  const auto text_of = [&](const Page& page) -> const std::optional<SharedText>& {
    const auto [entry, fresh] = texts.try_emplace(page.file);
    if (!fresh) return entry->second;
    std::optional<SharedText> before = text_before(previous, page.file);
    if (Result<std::string> text = read_page(read_file, page.file)) {
      entry->second = before && before->view() == *text ? *before : SharedText(std::move(*text));
    } else {
      entry->second = std::move(before);
      findings.push_back(
          {page.at, "pages", text.error().what + (entry->second ? "; its last text stays in force" : "; left out")});
    }
    return entry->second;
  };
  const auto keep_readable = [&](std::vector<Page>& pages) {
    std::vector<Page> readable;
    for (Page& page : pages) {
      const std::optional<SharedText>& text = text_of(page);
      if (!text) continue;
      page.body = *text;
      readable.push_back(std::move(page));
    }
    pages = std::move(readable);
  };
  for (Service& service : services)
    for (Route& route : service.routes) keep_readable(route.policy.pages);
  keep_readable(of_no_route);
  return findings;
}

}  // namespace gatehouse::conf
