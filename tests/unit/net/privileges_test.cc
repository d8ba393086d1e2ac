#include "net/privileges.h"

#include <cstdio>
#include <functional>
#include <string>

#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/ip.h"
#include "net/unique_fd.h"

namespace gatehouse {
namespace {

constexpr UserIds nobody{65534, 65534, {}};

// Runs in a child, which alone is changed. Empty, or what did not hold.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe";
  std::fflush(nullptr);  // or the child says it again
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string said = body();
    [[maybe_unused]] const ssize_t n = ::write(ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char chunk[256];
  for (ssize_t n; (n = ::read(ends[0], chunk, sizeof chunk)) > 0;) said.append(chunk, n);
  ::close(ends[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0 ? said : "the child ended with " + std::to_string(status) + " " + said;
}

std::string status_line(const char* key) {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  char line[256];
  std::string out = "no such line";
  while (file && std::fgets(line, sizeof line, file))
    if (std::string(line).rfind(key, 0) == 0) out = std::string(line).substr(std::string(key).size() + 2);
  if (file) std::fclose(file);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool can_bind(std::uint16_t port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_storage here;
  const socklen_t size = SocketAddress{IpAddress::v4(127, 99, 98, 97), port}.to(here);
  return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&here), size) == 0;
}

std::string first_false(std::initializer_list<std::pair<bool, const char*>> claims) {
  for (const auto& [holds, claim] : claims)
    if (!holds) return claim;
  return "";
}

class PrivilegesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can drop privileges";
  }
};

TEST_F(PrivilegesTest, DroppingLeavesTheUserWithTheRightToBindAndNothingElse) {
  EXPECT_EQ(in_child([]() -> std::string {
              if (const auto dropped = drop_privileges({65534, 65534, {65533}}); !dropped)
                return dropped.error().what;
              gid_t groups[4];
              const std::string bind_only = "0000000000000400";
              return first_false({
                  {::getuid() == 65534 && ::geteuid() == 65534, "the user"},
                  {::getgid() == 65534 && ::getegid() == 65534, "the group"},
                  {::getgroups(4, groups) == 1 && groups[0] == 65533, "the other groups"},
                  {::setuid(0) != 0 && ::seteuid(0) != 0 && ::setgid(0) != 0, "the way back is shut"},
                  {::setgroups(0, nullptr) != 0, "groups cannot be changed"},
                  {status_line("CapEff") == bind_only && status_line("CapPrm") == bind_only, "capabilities"},
                  {status_line("CapAmb") == bind_only && status_line("CapInh") == bind_only, "over exec"},
                  {status_line("CapBnd") == bind_only, "the bounding set"},
                  {::access("/etc/shadow", R_OK) != 0, "root's files are shut"},
                  {can_bind(83), "low ports are open"},
              });
            }),
            "");
}

TEST_F(PrivilegesTest, TheRightToBindOutlivesExec) {
  EXPECT_EQ(in_child([]() -> std::string {
              if (!drop_privileges(nobody) || !harden_process()) return "drop";
              ::execl("/bin/sh", "sh", "-c", "grep -q 'CapEff:.*0000000000000400' /proc/self/status", nullptr);
              return "exec";
            }),
            "");
}

TEST_F(PrivilegesTest, RootIsNobodyToDropTo) {
  EXPECT_EQ(drop_privileges({0, 0, {}}).error().what, "root is no user to drop privileges to");
}

TEST_F(PrivilegesTest, WhoIsNotRootCannotDrop) {
  EXPECT_EQ(in_child([]() -> std::string {
              if (::setresuid(65534, 65534, 65534) != 0) return "setresuid";
              return drop_privileges(nobody) ? "dropped" : "";
            }),
            "");
}

TEST(Hardening, NoCoreNoNewPrivilegesNoDebugger) {
  EXPECT_EQ(in_child([]() -> std::string {
              if (const auto hardened = harden_process(); !hardened) return hardened.error().what;
              rlimit core;
              return first_false({
                  {::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no new privileges"},
                  {::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "not dumpable"},
                  {::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0, "no core"},
              });
            }),
            "");
}

TEST(DescriptorLimit, IsRaisedToTheHardOne) {
  EXPECT_EQ(in_child([]() -> std::string {
              rlimit limit{64, 128};
              if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return "setrlimit";
              const auto raised = raise_descriptor_limit();
              return first_false({{raised && *raised == 128, "what it says"},
                                  {::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 128, "what is"}});
            }),
            "");
}

TEST(FindUser, KnowsTheUsersOfThisMachine) {
  const auto root = find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0u);
  EXPECT_FALSE(root->groups.empty());
  EXPECT_EQ(find_user("no-such-user").error().what, "there is no user \"no-such-user\"");
}

}  // namespace
}  // namespace gatehouse
