// file_source_io.h: reads a folder of service definitions as Consul reads its configuration folder.
//   *.json in the order of their names; links are followed, folders are not entered, other files are passed over with
//   a word, *.hcl with an error. Reads regular files alone, so that a pipe can't hold it up. Blocks: not for the data
//   path. The usual folder may be absent: nobody has named it. Limits: 4096 files, 16 MiB each (service_file.h), 256
//   MiB together.
#pragma once

#include <string>

#include "conf/catalog/file_source.h"

namespace gatehouse::catalog {

constexpr std::size_t folder_files_max = 4096, folder_bytes_max = 256 << 20;

// folder: where it is; shown_as: how findings name it.
Folder read_folder(const std::string& folder, const std::string& shown_as);

}  // namespace gatehouse::catalog
