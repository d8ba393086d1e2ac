// aside.h: work that may wait for the disk, done once by a thread of its own.
//   Threads  the work's is named; its result is had by the future, whose destructor waits for the work's end.
//   Failure  no thread can be had (too many tasks, no memory for its stack): nothing is done, and the caller may try
//            again later.
#pragma once

#include <functional>
#include <future>

#include "net/result.h"

namespace gatehouse {

// The name has at most 15 bytes.
Result<std::future<Status>> start_aside(const char* name, std::function<Status()> work);

}  // namespace gatehouse
