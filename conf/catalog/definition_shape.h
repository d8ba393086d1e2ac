// definition_shape.h: which keys a Consul service or check definition has, and of what type their values are.
//   Source: Consul 1.12's agent/config/config.go, as its decoder reads it: keys in any case, a few aliases, null as
//   if not said, a list of one for the thing itself. An unknown key is an error, as it is for `consul validate`. Once
//   a definition's shape is checked, the lookups below cannot fail. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "conf/catalog/file_report.h"

namespace gatehouse::catalog {

namespace json = boost::json;

enum class Kind {
  text,
  number,
  flag,
  texts,      // ["a", "b"]
  text_map,   // {"k": "v"}
  texts_map,  // {"k": ["v"]}
  object,
  objects,     // [{…}]
  object_map,  // {"k": {…}}
  any_map,     // {"k": whatever}
  anything,
};

struct Shape;

struct Field {
  std::string_view name;
  Kind kind;
  const Shape* inner = nullptr;   // of object, objects, object_map
  std::string_view alias = {};    // lower case
  std::string_view warning = {};  // what to tell when the alias (or the field, if it has none) is used
};

struct Shape {
  std::span<const Field> fields;
};

extern const Shape service_shape, check_shape;

// path: where the value stands; left as it was.
void check_object(const json::value& value, const Shape& shape, JsonPath& path, FileReport& report);
void check_field(const json::value& value, const Field& field, JsonPath& path, FileReport& report);

bool same_key(std::string_view a, std::string_view b);  // in any case of letters

// A list of one stands for what is in it.
const json::value& unwrap(const json::value& value);

// An object whose shape was checked.
class Definition {
 public:
  Definition(const json::object& object, const Shape& shape) : object_(&object), shape_(&shape) {}

  const json::value* find(std::string_view name) const;  // null if not said
  bool says(std::string_view name) const { return find(name) != nullptr; }
  std::string text(std::string_view name) const;  // "" if not said
  std::optional<std::int64_t> number(std::string_view name) const;
  bool flag(std::string_view name, bool fallback = false) const;
  std::vector<std::string> texts(std::string_view name) const;
  std::optional<Definition> object(std::string_view name) const;
  std::vector<Definition> objects(std::string_view name) const;
  const json::object* map(std::string_view name) const;

 private:
  const json::object* object_;
  const Shape* shape_;
};

std::string text_of(const json::value& value);  // of a text, a list of one, or null

}  // namespace gatehouse::catalog
