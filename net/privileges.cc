#include "net/privileges.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr std::uint64_t kept = 1ull << CAP_NET_BIND_SERVICE;

Error failed(const char* what) { return Error{Errc::refused, std::string(what) + ": " + std::strerror(errno)}; }

struct Capabilities {
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
  bool operator==(const Capabilities&) const = default;
};

// glibc has no wrappers for these two.
bool set_capabilities(const Capabilities& to) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data;
  for (int half = 0; half < 2; ++half)
    data[half] = {static_cast<std::uint32_t>(to.effective >> 32 * half),
                  static_cast<std::uint32_t>(to.permitted >> 32 * half),
                  static_cast<std::uint32_t>(to.inheritable >> 32 * half)};
  return ::syscall(SYS_capset, &header, data.data()) == 0;
}

bool get_capabilities(Capabilities& to) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  to = {data[0].effective | std::uint64_t{data[1].effective} << 32,
        data[0].permitted | std::uint64_t{data[1].permitted} << 32,
        data[0].inheritable | std::uint64_t{data[1].inheritable} << 32};
  return true;
}

// What is not in the bounding set no exec can bring back. A kernel knows fewer than 64; it says where they end.
bool drop_bounding_set() {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    const int present = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (present < 0) return true;
    if (present == 0 || kept >> capability & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
  }
  return true;
}

Status prove_dropped(const UserIds& user) {
  uid_t real, effective, saved;
  gid_t real_group, effective_group, saved_group;
  if (::getresuid(&real, &effective, &saved) != 0 || ::getresgid(&real_group, &effective_group, &saved_group) != 0)
    return failed("cannot read back who we are");
  Capabilities now;
  const bool dropped = real == user.uid && effective == user.uid && saved == user.uid && real_group == user.gid &&
                       effective_group == user.gid && saved_group == user.gid && get_capabilities(now) &&
                       now == Capabilities{kept, kept, kept};
  if (!dropped) return Error{Errc::refused, "privileges are not what they should be after dropping them"};
  if (::setresuid(0, 0, 0) == 0 || ::setresgid(0, 0, 0) == 0 || set_capabilities({~0ull, ~0ull, 0}))
    return Error{Errc::refused, "dropped privileges came back"};
  return Done{};
}

}  // namespace

Result<UserIds> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());  // at start, before any thread
  if (!entry) return invalid("there is no user \"" + name + "\"");
  UserIds out{entry->pw_uid, entry->pw_gid, std::vector<gid_t>(16)};
  int count = static_cast<int>(out.groups.size());
  while (::getgrouplist(name.c_str(), out.gid, out.groups.data(), &count) < 0) out.groups.resize(count);
  out.groups.resize(count);
  return out;
}

Status drop_privileges(const UserIds& user) {
  if (user.uid == 0) return invalid("root is no user to drop privileges to");
  if (!drop_bounding_set()) return failed("cannot shrink the bounding set of capabilities");
  if (::setgroups(user.groups.size(), user.groups.data()) != 0) return failed("cannot set the groups");
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return failed("cannot become the group");
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("cannot keep the capability to bind");
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return failed("cannot become the user");
  if (!set_capabilities({kept, kept, kept})) return failed("cannot keep the capability to bind");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) != 0)
    return failed("cannot keep the capability to bind over exec");
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return failed("cannot forget about kept capabilities");
  return prove_dropped(user);
}

Status harden_process() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("cannot give up new privileges");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("cannot switch off core dumps");
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return failed("cannot switch off core dumps");
  return Done{};
}

Result<std::uint64_t> raise_descriptor_limit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failed("cannot read the limit of open files");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return failed("cannot raise the limit of open files");
  return static_cast<std::uint64_t>(limit.rlim_cur);
}

}  // namespace gatehouse
