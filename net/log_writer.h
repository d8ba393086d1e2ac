// log_writer.h: a log's thread: takes lines out of its rings and writes them to a file or to stdout.
//   Wakes every 100 ms, or when a ring is half full. reopen() (SIGUSR1) opens the path anew, for logrotate. A write
//   that fails (full disk) drops what it holds, counts it and goes on; traffic never notices. A line of which only
//   the beginning was taken is ended before the next one. Threads  one of its own, which alone writes and holds no
//   lock while it does: a disk or a pipe that takes nothing keeps nobody else waiting. The rings fill, and count the
//   lines they drop.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/log_ring.h"
#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse {

class LogWriter {
 public:
  // `path` is a file's, or "stdout".
  static Result<std::unique_ptr<LogWriter>> open(std::string path);
  ~LogWriter();  // writes what stands in the rings, as far as it is taken, then ends

  void add(LogRing& ring);  // before the ring's writer starts; the ring must outlive us
  Status reopen();          // any thread; the next write goes there; on failure the old file stays
  void nudge();             // any thread, never waits: a ring is filling up
  std::uint64_t failed_writes() const { return failed_.load(std::memory_order_relaxed); }

 private:
  LogWriter(std::string path, int fd, int event);
  void run();
  void wait_for_nudge();
  void use_reopened();
  void write_rings();
  bool write_ring(LogRing& ring);
  ssize_t put(std::string_view text);  // as ::write()

  const std::string path_;
  int fd_;                         // the thread's, as the next two
  LogRing* cut_ = nullptr;         // holds the rest of the line that the log ends with
  bool broken_ = false;            // the log ends with a line whose rest is lost
  std::atomic<int> reopened_{-1};  // what it shall use from now on
  UniqueFd event_;                 // wakes it
  std::atomic<bool> nudged_{false}, stopping_{false};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;  // guards rings_
  std::vector<LogRing*> rings_;
  std::thread thread_;
};

}  // namespace gatehouse
