// log_writer.h: the log thread: takes lines out of the workers' rings and writes them to a file or to stdout.
//   Wakes every 100 ms, or when a ring is half full. reopen() (SIGUSR1) opens the path anew, for logrotate. A write
//   that fails (full disk) drops what it holds, counts it and goes on; traffic never notices.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/log_ring.h"
#include "net/result.h"

namespace gatehouse {

class LogWriter {
 public:
  // `path` is a file's, or "stdout".
  static Result<std::unique_ptr<LogWriter>> open(std::string path);
  ~LogWriter();  // writes what stands in the rings, then ends

  void add(LogRing& ring);  // before the ring's writer starts; the ring must outlive us
  Status reopen();          // any thread; on failure the old file stays
  void nudge();             // any thread: a ring is filling up
  std::uint64_t failed_writes() const { return failed_.load(std::memory_order_relaxed); }

 private:
  LogWriter(std::string path, int fd);
  void run();
  bool write_rings();

  const std::string path_;
  std::atomic<int> fd_;
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool nudged_ = false, stopping_ = false;
  std::vector<LogRing*> rings_;
  std::thread thread_;
};

}  // namespace gatehouse
