#include "conf/catalog/json_fields.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;

bool says_something(const json::value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (const json::string* text = value->if_string()) return !text->empty();
  if (const json::array* list = value->if_array()) return !list->empty();
  if (const json::object* object = value->if_object()) return !object->empty();
  if (const bool* flag = value->if_bool()) return *flag;
  return true;
}

}  // namespace

const json::value* JsonFields::find(std::string_view name) {
  asked_.emplace(name);
  const json::value* value = object_.if_contains(name);
  return says_something(value) ? value : nullptr;
}

bool JsonFields::has(std::string_view name) const { return says_something(object_.if_contains(name)); }

std::string JsonFields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void JsonFields::tell(std::string_view name, std::string what, conf::Severity severity) {
  wrong_ = wrong_ || severity == conf::Severity::error;
  findings_.push_back({at_, path_of(name), std::move(what), severity});
}

std::string JsonFields::text(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return "";
  if (!value->is_string()) return tell(name, "is no text"), "";
  return std::string(value->get_string());
}

bool JsonFields::flag(std::string_view name) {
  const json::value* value = find(name);
  if (value != nullptr && !value->is_bool()) tell(name, "is neither true nor false");
  return value != nullptr && value->is_bool() && value->get_bool();
}

double JsonFields::number(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<double>(error);
  if (error) tell(name, "is no number");
  return error ? 0 : number;
}

const json::object& JsonFields::object(std::string_view name) {
  static const json::object nothing;
  const json::value* value = find(name);
  if (value != nullptr && !value->is_object()) tell(name, "is no object");
  return value != nullptr && value->is_object() ? value->get_object() : nothing;
}

const json::array& JsonFields::list(std::string_view name) {
  static const json::array nothing;
  const json::value* value = find(name);
  if (value != nullptr && !value->is_array()) tell(name, "is no list");
  return value != nullptr && value->is_array() ? value->get_array() : nothing;
}

void JsonFields::tell_unread() {
  for (const auto& [name, value] : object_)
    if (says_something(&value) && !asked_.contains(std::string_view(name)))
      findings_.push_back({at_, path_of(name), "is not carried: ignored", conf::Severity::warning});
}

}  // namespace gatehouse::catalog
