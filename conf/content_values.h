// content_values.h: the text forms of the keys `files` and `compress`. Pure.
//   Each reader takes a setting's text and gives the plain data of content.h, or what to write instead.
//   Limits: 16 names of index files, 64 patterns and 64 types in a setting.
#pragma once

#include <string_view>

#include "conf/content.h"
#include "net/result.h"

namespace gatehouse::conf {

// "/srv/images precompressed=br,gzip cache=*.jpg:30d index=index.html try=/index.html"
Result<Files> parse_files(std::string_view text);
// "zstd br gzip level=4 types=text/*,application/json min=1KiB", "off"
Result<Compress> parse_compress(std::string_view text);

// Whether a name fits a pattern: * stands for any bytes, ? for one.
bool fits_pattern(std::string_view name, std::string_view pattern);

}  // namespace gatehouse::conf
