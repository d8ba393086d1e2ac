// Any bytes in any value: the line is bounded, is one line, and is valid JSON as our YAML reader reads it.
#include <cstdint>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "proxy/http/access_log.h"
#include "tests/fuzz/require.h"

using namespace gatehouse::http;

namespace {

std::size_t fields_of(const AccessRecord& record) {
  std::vector<char> room(access_line_bytes_max);
  return YAML::Load(std::string(room.data(), AccessLineWriter().write(record, room))).size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AccessRecord record;
  record.path = bytes.substr(0, size / 2);
  record.user_agent = record.host = bytes.substr(size / 2);
  static std::vector<char> room(access_line_bytes_max);
  const std::size_t length = AccessLineWriter().write(record, room);
  REQUIRE(length > 0);
  const std::string line(room.data(), length);
  REQUIRE(line.find('\n') == line.size() - 1);
  for (const char c : line.substr(0, line.size() - 1)) REQUIRE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  for (const char* steering : {"\xc2\x9b", "\xe2\x80\xae", "\xe2\x81\xa6"})
    REQUIRE(line.find(steering) == std::string::npos);
  const YAML::Node fields = YAML::Load(line);
  static const std::size_t fields_of_an_empty_record = fields_of(AccessRecord{});
  REQUIRE(fields.size() == fields_of_an_empty_record);
  for (const auto& field : fields) REQUIRE(is_access_field(field.first.as<std::string>()));
  return 0;
}
