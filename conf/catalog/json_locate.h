// json_locate.h: where in a JSON text a value stands, for findings. Boost.JSON keeps no positions.
//   Counts brackets and quotes of a text that was already parsed without an error; on any other it gives the text's
//   beginning. Used only when something is to be told, and once a file for the places of its services. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/finding.h"

namespace gatehouse::catalog {

// A member's name, or an element's index. Names are borrowed from the parsed text.
using JsonStep = std::variant<std::string_view, std::size_t>;
using JsonPath = std::vector<JsonStep>;

// The offset of the value at the path; of its name, if it is a member. The last of members of one name.
std::size_t json_offset(std::string_view text, const JsonPath& path);

// The offsets of the elements of the array at the path.
std::vector<std::size_t> json_elements(std::string_view text, const JsonPath& path);

struct JsonDuplicate {
  std::string name;
  std::size_t offset = 0;
};
// Members whose name an earlier member of the same object has; at most `most` of them.
std::vector<JsonDuplicate> json_duplicates(std::string_view text, std::size_t most);

// Offsets to lines and columns, from 1. Borrows nothing once made.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  conf::Position position(std::size_t offset, std::string file) const;

 private:
  std::vector<std::size_t> begins_;  // of the lines
};

std::string path_text(const JsonPath& path);  // "services[0].checks[1].interval"

}  // namespace gatehouse::catalog
