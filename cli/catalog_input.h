// catalog_input.h: what the catalog is read and translated with: the same for `run` and for `check`.
//   Blocks on the disk: a page is read when the translation asks for it.
#pragma once

#include <span>

#include "conf/catalog/service_file.h"
#include "conf/catalog/translate.h"
#include "conf/config.h"

namespace gatehouse::cli {

catalog::Home home_of(const conf::Config& config);

// The folder of definitions to read; empty: none. Where a Consul is named the usual one need not be there.
std::string services_folder(const conf::Config& config, const conf::Positions& given);

// Borrows both. The table before is the caller's to add.
catalog::TranslateInput translate_input(std::span<const conf::Instance> instances, const conf::Config& config);

}  // namespace gatehouse::cli
