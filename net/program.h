// program.h: runs another program to its end, with a deadline. Blocks: for threads that may wait.
//   No shell, no descriptors of ours but the three, PATH and what `environment` says, a process group of its own that
//   is killed whole when time is over. What it writes to both outputs comes back together.
//   REQUIRES SIGPIPE is ignored: a program need not read what it is given.
//   Limits   output_most of it; the rest is read and dropped.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/result.h"

namespace gatehouse {

struct ProgramCall {
  std::vector<std::string> arguments;      // the first: its path, or a name to be found in PATH
  std::string input;                       // of its stdin; at most a pipe's 64 KiB
  std::vector<std::string> environment{};  // "NAME=value"
};

struct ProgramEnd {
  static constexpr std::size_t output_most = 4096;
  int code = 0;  // -1: it was killed by a signal
  std::string output;
};

// An error: it can't be run, it took too long, or `stop` became true.
Result<ProgramEnd> run_program(const ProgramCall& call, Millis within, const std::atomic<bool>& stop);

}  // namespace gatehouse
