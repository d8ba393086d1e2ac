// json_look.h: looking into JSON that a CA sent: of any shape, so what isn't there or is of another kind is empty.
//   Limits  json_text_most bytes, 32 levels deep (Boost.JSON's own). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace gatehouse::acme {

namespace json = boost::json;

inline constexpr std::size_t json_text_most = 1 << 20;

json::object read_object(std::string_view text);  // empty where it is none
std::string text_at(const json::object& object, std::string_view key);
const json::object& object_at(const json::object& object, std::string_view key);
const json::array& list_at(const json::object& object, std::string_view key);
bool is_true_at(const json::object& object, std::string_view key);
std::vector<std::string> texts_at(const json::object& object, std::string_view key);
std::int64_t number_at(const json::object& object, std::string_view key);  // 0: none

}  // namespace gatehouse::acme
