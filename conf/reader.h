// reader.h: the text of gatehouse.yaml to a Config, or everything that is wrong with it.
//   All errors of a file are found at once (a YAML syntax error ends the reading, so it comes alone). An empty file
//   is the default configuration. In the config of a reading with errors the keys that are wrong have their defaults:
//   good for finding more mistakes, not for serving. Pure: the file is read by
//   reader_io.h. Grammar of the keys: config_keys.h, service_keys.h.
#pragma once

#include <string>
#include <string_view>

#include "conf/config.h"
#include "conf/finding.h"
#include "conf/reading.h"

namespace gatehouse::conf {

struct ReadConfig {
  Config config;
  Findings findings;  // in the file's order
  Positions positions;
  std::string text;  // that was read
};

// `file`: the file's name as findings shall show it. around.folder: the folder it stands in.
ReadConfig read_config_text(std::string_view text, const std::string& file, const Surroundings& around);

// Where to ask the program that runs, by a file that may be broken by now: `admin.socket`, if it can be read still,
// else the default.
std::string admin_socket_in(std::string_view text, const Surroundings& around);

}  // namespace gatehouse::conf
