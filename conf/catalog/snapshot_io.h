// snapshot_io.h: snapshots on disk: FILE, and the two before it as FILE.1 and FILE.2.
//   A write replaces FILE whole (net/atomic_file.h), mode 0600; the one before it is FILE.1 by then, so that there is
//   always one to read. The first change is written at once, further ones together after `pause`; what is the same as
//   the last one is not written. Reading takes the newest generation that is as it was written.
//   Threads  write() from one (control), never waiting; the disk is a thread's own.
//   Limits   one snapshot waits.
//   Failure  told by `on_failure`, from the writing thread; the next change tries again.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "conf/catalog/snapshot.h"
#include "net/clock.h"

namespace gatehouse::catalog {

struct LoadedSnapshot {
  Snapshot snapshot;
  std::string file;                   // where it was found; empty: there is none
  std::vector<std::string> troubles;  // what is wrong with newer ones
};

LoadedSnapshot load_snapshot(const std::string& file);

class SnapshotWriter {
 public:
  static constexpr Millis pause = 2s;
  using OnFailure = std::function<void(const std::string& what)>;

  SnapshotWriter(std::string file, OnFailure on_failure);
  ~SnapshotWriter();  // what waits is written first
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  void write(Snapshot snapshot);

 private:
  void run();
  void put(const Snapshot& snapshot);

  const std::string file_;
  const OnFailure on_failure_;
  std::string written_;  // the text on disk; the thread's alone
  std::mutex mutex_;     // guards what follows
  std::condition_variable news_;
  std::optional<Snapshot> waiting_;
  bool ends_ = false;
  std::thread thread_;  // the last
};

}  // namespace gatehouse::catalog
