// json_hint.h: what is probably wrong where a JSON parser gave up, in words that tell what to write. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::catalog {

std::string json_hint(std::string_view text, std::size_t offset);

}  // namespace gatehouse::catalog
