// pages.h: puts the text of the operator's pages beside their names. Pure: reading is a parameter.
//   A page that can't be read any more keeps the text it had in the previous table; one that never could is left out.
//   Each file is read once and its text shared by all routes. Limits: 1 MiB a page.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::conf {

constexpr std::size_t page_bytes_max = 1 << 20;

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// `of_no_route`: RoutingTable::pages.
Findings load_pages(std::vector<Service>& services, std::vector<Page>& of_no_route, const RoutingTable* previous,
                    const ReadFile& read_file);

}  // namespace gatehouse::conf
