// of_thread.h: a thread's own object, made with its first use. For large ones: what is plainly thread_local stands in
//   every thread of the process, and is written to when it begins, whether it is ever used or not.
//   Each type is one object of a thread: give each use a type of its own.
#pragma once

#include <memory>

namespace gatehouse {

template <class T>
T& of_thread() {
  thread_local const std::unique_ptr<T> object = std::make_unique_for_overwrite<T>();
  return *object;
}

}  // namespace gatehouse
