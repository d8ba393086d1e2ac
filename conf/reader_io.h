// reader_io.h: reads gatehouse.yaml from disk, with what the process knows of itself. Blocks: not for the data path.
//   Failure  the file can't be read, is no regular file or is larger than 1 MiB: one finding says so.
#pragma once

#include <string>

#include "conf/reader.h"

namespace gatehouse::conf {

ReadConfig read_config(const std::string& file, const Surroundings& around);

// Host name, capabilities and environment of this process; the folder is that of `file`.
Surroundings surroundings_of_process(const std::string& file);

}  // namespace gatehouse::conf
