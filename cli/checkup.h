// checkup.h: everything that `run` would read, read and judged as it would be, without serving.
//   The file, the catalog's folder, certificates, pages, what services name (CAs, client certificates), folders, user
//   and group.
//   Blocks on the disk. Binds no port and asks no name: what only the running program can know is not judged.
#pragma once

#include <string>

#include "conf/reader.h"

namespace gatehouse::cli {

struct Checkup {
  conf::ReadConfig read;
  conf::Findings findings;  // all, in the order they were found
  std::size_t services = 0, routes = 0, endpoints = 0, certificates = 0;
};

// `by_root`: root would start it, who makes the folders that are missing for the user who serves.
Checkup check_up(const std::string& file, bool by_root = false);

// "12 services, 34 routes, 56 endpoints, 3 certificates"
std::string counts_text(const Checkup& checkup);

}  // namespace gatehouse::cli
