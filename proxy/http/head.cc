#include "proxy/http/head.h"

#include "proxy/http/bytes.h"

namespace gatehouse::http {

const Field* MessageHead::find(FieldId id) const {
  const auto index = first[static_cast<std::size_t>(id)];
  return index == no_field ? nullptr : &field[index];
}

const Field* MessageHead::find(std::string_view any_case_name) const {
  for (const Field& f : fields())
    if (equal_caseless(name(f), any_case_name)) return &f;
  return nullptr;
}

std::string_view MessageHead::value_of(FieldId id) const {
  const Field* f = find(id);
  return f ? value(*f) : std::string_view{};
}

}  // namespace gatehouse::http
