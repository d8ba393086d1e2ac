#include "net/program.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

constexpr int look_ms = 100;

struct Pipe {
  UniqueFd reads, writes;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    reads = UniqueFd(ends[0]);
    writes = UniqueFd(ends[1]);
    return true;
  }
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// 0 and pid, or an errno.
int spawn(const ProgramCall& call, const Pipe& in, const Pipe& out, pid_t& pid) {
  std::vector<std::string> arguments = call.arguments, environment = call.environment;
  const char* path = std::getenv("PATH");
  environment.push_back(std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"));
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, in.reads.get(), 0);
  posix_spawn_file_actions_adddup2(&files, out.writes.get(), 1);
  posix_spawn_file_actions_adddup2(&files, out.writes.get(), 2);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawnp(&pid, arguments.front().c_str(), &files, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// True: both outputs are closed.
bool read_some(int fd, std::string& output) {
  char bytes[1024];
  const ssize_t count = ::read(fd, bytes, sizeof bytes);
  if (count > 0)
    output.append(bytes, std::min(static_cast<std::size_t>(count), ProgramEnd::output_most - output.size()));
  return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

}  // namespace

Result<ProgramEnd> run_program(const ProgramCall& call, Millis within, const std::atomic<bool>& stop) {
  Pipe in, out;
  pid_t pid = 0;
  if (!in.open() || !out.open()) return Error{Errc::io, call.arguments.front() + ": " + std::strerror(errno)};
  if (const int error = spawn(call, in, out, pid); error != 0)
    return Error{Errc::io, call.arguments.front() + ": " + std::strerror(error)};
  in.reads = UniqueFd();
  out.writes = UniqueFd();
  if (!call.input.empty()) [[maybe_unused]]
    const ssize_t put = ::write(in.writes.get(), call.input.data(), call.input.size());
  in.writes = UniqueFd();
  ProgramEnd end;
  const TimePoint due = Clock::now() + within;
  bool late = false, closed = false;
  int status = 0;
  while (::waitpid(pid, &status, closed ? 0 : WNOHANG) == 0) {
    late = Clock::now() >= due || stop.load(std::memory_order_relaxed);
    if (late) ::kill(-pid, SIGKILL), closed = true;
    pollfd ready{out.reads.get(), POLLIN, 0};
    // Who closes its outputs may still run: it is looked after from time to time.
    if (!closed && ::poll(&ready, 1, look_ms) > 0 && read_some(out.reads.get(), end.output))
      ::usleep(look_ms * 1000 / 10);
  }
  ::kill(-pid, SIGKILL);  // what it left behind
  if (late)
    return Error{Errc::timed_out, call.arguments.front() + ": not done within " +
                                      std::to_string(std::chrono::duration_cast<Seconds>(within).count()) + " s"};
  ::fcntl(out.reads.get(), F_SETFL, O_NONBLOCK);
  for (std::size_t before = end.output.size() + 1; before != end.output.size();)
    before = end.output.size(), read_some(out.reads.get(), end.output);
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return end;
}

}  // namespace gatehouse
