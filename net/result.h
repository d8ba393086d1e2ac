// result.h: what an operation gives back when it may fail.
//   An Error says what happened and whose fault it is: what a proxy needs to choose a status code and to count a
//   strike. Exceptions are for start-up only.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace gatehouse {

enum class Errc { invalid, refused, timed_out, closed, reset, limit, unavailable, io, tls, protocol };
enum class Side { client, backend, self };

struct Error {
  Errc code = Errc::invalid;
  std::string what;
  Side side = Side::self;
};

// Holds a T or an Error. [[nodiscard]]: an ignored failure is a bug.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return *std::get_if<0>(&state_); }
  const T& operator*() const { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;

inline Error invalid(std::string what) { return Error{Errc::invalid, std::move(what)}; }

}  // namespace gatehouse
