#include "net/aside.h"

#include <string>
#include <system_error>

#include <pthread.h>

namespace gatehouse {

Result<std::future<Status>> start_aside(const char* name, std::function<Status()> work) {
  const auto run = [name, work = std::move(work)] {
    pthread_setname_np(pthread_self(), name);
    return work();
  };
  try {
    return std::async(std::launch::async, run);
  } catch (const std::system_error& error) {
    return Error{Errc::limit, std::string("no thread can be had: ") + error.code().message(), Side::self};
  }
}

}  // namespace gatehouse
