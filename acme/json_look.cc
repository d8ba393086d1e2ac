#include "acme/json_look.h"

namespace gatehouse::acme {
namespace {

const json::object no_object;
const json::array no_array;

}  // namespace

json::object read_object(std::string_view text) {
  if (text.size() > json_text_most) return {};
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const json::object& object_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : no_object;
}

const json::array& list_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : no_array;
}

bool is_true_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  for (const json::value& each : list_at(object, key))
    if (each.is_string()) out.emplace_back(each.get_string());
  return out;
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

}  // namespace gatehouse::acme
