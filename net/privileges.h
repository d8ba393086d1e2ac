// privileges.h: from root, who may bind, to the user who serves.
//   Order: bind, raise_descriptor_limit, drop_privileges, harden_process, then read everything as that user, so that
//   a reload can read it too. To be called before the process has a second thread: capabilities belong to threads.
//   What is kept  CAP_NET_BIND_SERVICE alone, also over exec (ambient): a reload may open ports below 1024.
//   Failure       half dropped is not served with: the caller ends the process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "net/result.h"

namespace gatehouse {

struct UserIds {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // all of the user's
};

Result<UserIds> find_user(const std::string& name);

// Becomes the user for good, and proves that there is no way back.
Status drop_privileges(const UserIds& user);

// No new privileges by exec, no core dump, no debugger of the same user: keys stay in the process.
Status harden_process();

// Soft limit of open files up to the hard one. Gives what is in force then.
Result<std::uint64_t> raise_descriptor_limit();

}  // namespace gatehouse
