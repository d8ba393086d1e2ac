// status_page.h: the page for people at the metrics address: services, endpoints, certificates, what changed.
//   One file, nothing fetched from elsewhere; it reads /status.json every two seconds. What it shows is put in as
//   text, so that no name of a service can be markup.
#pragma once

#include <string_view>

namespace gatehouse::cli {

std::string_view status_page();

}  // namespace gatehouse::cli
