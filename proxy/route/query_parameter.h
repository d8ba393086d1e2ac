// query_parameter.h: the values of one parameter of a query, "a=1&b=2&a=3". Pure.
//   Names and values are read as forms write them: + is a blank, %XX a byte; a % that is none stands for itself.
//   Source  URL standard, application/x-www-form-urlencoded.
//   Limits  a value beyond value_bytes_max is nobody's.
#pragma once

#include <cstddef>
#include <string_view>

namespace gatehouse::route {

constexpr std::size_t value_bytes_max = 4096;

// The text, decoded into `buffer`, which holds value_bytes_max; too long: nullptr as data.
inline std::string_view decoded_parameter(std::string_view text, char* buffer) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (size == value_bytes_max) return {};
    const bool escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    buffer[size++] = escape           ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]))
                     : text[i] == '+' ? ' '
                                      : text[i];
    if (escape) i += 2;
  }
  return {buffer, size};
}

// Whether test(value) holds for one of the parameter's values. `query`: without its "?".
template <class Test>
bool any_parameter(std::string_view query, std::string_view name, Test test) {
  char buffer[value_bytes_max];
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(one.size() < query.size() ? one.size() + 1 : one.size());
    const std::size_t equals = one.find('=');
    const std::string_view own = decoded_parameter(one.substr(0, equals), buffer);
    if (own.data() == nullptr || own != name) continue;
    const std::string_view value =
        decoded_parameter(equals == one.npos ? std::string_view("") : one.substr(equals + 1), buffer);
    if (value.data() != nullptr && test(value)) return true;
  }
  return false;
}

}  // namespace gatehouse::route
