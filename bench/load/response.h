// response.h: how long the response is whose head stands at the start of a buffer. For the load tools only: it
//   believes the proxy under test, which a client in the world must not.
#pragma once

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace gatehouse::bench {

struct Response {
  bool good = false;          // status 200
  std::size_t head_size = 0;  // with the empty line
  std::uint64_t body_size = 0;
  std::uint64_t size() const { return head_size + body_size; }
};

// The value of a field in a head, leading spaces included. `name` is written ":"-less and in any case.
inline std::optional<std::string_view> field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0)
      return line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
  }
  return std::nullopt;
}

inline std::optional<std::uint64_t> content_length(std::string_view head) {
  const auto value = field(head, "content-length");
  if (!value) return std::nullopt;
  return std::strtoull(value->data(), nullptr, 10);  // ends at the line's CR at the latest
}

// Nothing while the head is incomplete.
inline std::optional<Response> read_response(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return std::nullopt;
  const std::string_view head = bytes.substr(0, end + 4);
  return Response{.good = head.substr(0, 12) == "HTTP/1.1 200",
                  .head_size = head.size(),
                  .body_size = content_length(head).value_or(0)};
}

}  // namespace gatehouse::bench
