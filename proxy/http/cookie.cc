#include "proxy/http/cookie.h"

#include "proxy/http/bytes.h"

namespace gatehouse::http {

std::string_view cookie_value(const RequestHead& head, std::string_view name) {
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::cookie) continue;
    std::string_view rest = head.value(field);
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trimmed(rest.substr(0, end));
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return {};
}

}  // namespace gatehouse::http
