// json_fields.h: one object of Consul's JSON, read field by field, that tells what nobody asked for. Pure.
//   null and empty values are as good as absent. A field of another type is an error, and reads as absent.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "conf/finding.h"

namespace gatehouse::catalog {

class JsonFields {
 public:
  // `path` of the object within the entry: "Routes[0].Match"; empty: the entry itself.
  JsonFields(const boost::json::object& object, std::string path, const conf::Position& at, conf::Findings& findings)
      : object_(object), path_(std::move(path)), at_(at), findings_(findings) {}

  std::string text(std::string_view name);
  bool flag(std::string_view name);
  double number(std::string_view name);
  const boost::json::object& object(std::string_view name);
  const boost::json::array& list(std::string_view name);
  void ignore(std::string_view name) { asked_.emplace(name); }
  bool has(std::string_view name) const;  // says something; asking so is not reading

  std::string path_of(std::string_view name) const;
  void tell(std::string_view name, std::string what, conf::Severity severity = conf::Severity::error);
  void tell_unread();  // a warning for each field that says something and was not asked for
  bool wrong() const { return wrong_; }

 private:
  const boost::json::value* find(std::string_view name);

  const boost::json::object& object_;
  std::string path_;
  const conf::Position& at_;
  conf::Findings& findings_;
  std::set<std::string, std::less<>> asked_;
  bool wrong_ = false;
};

}  // namespace gatehouse::catalog
