#include "conf/catalog/snapshot_io.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/atomic_file.h"
#include "net/read_file.h"

namespace gatehouse::catalog {
namespace {

std::string generation(const std::string& file, int n) { return n == 0 ? file : file + "." + std::to_string(n); }

constexpr int generations = 3;

bool are_one_file(const std::string& a, const std::string& b) {
  struct stat first{}, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// The newest stays where it is until another takes its place: after a write that failed there is room already.
Status make_room(const std::string& file) {
  const std::string before = generation(file, 1), oldest = generation(file, 2);
  if (are_one_file(file, before)) return Done{};
  if (std::rename(before.c_str(), oldest.c_str()) != 0 && errno != ENOENT)
    return Error{Errc::io, before + ": " + std::strerror(errno)};
  if (::link(file.c_str(), before.c_str()) != 0 && errno != ENOENT)
    return Error{Errc::io, before + ": " + std::strerror(errno)};
  return Done{};
}

// What need not be written again; empty: nothing, or nothing of worth.
std::string good_text(const std::string& file) {
  Result<FileContent> content = read_file(file, Snapshot::bytes_most);
  return content && is_whole(content->bytes) ? std::move(content->bytes) : std::string();
}

}  // namespace

LoadedSnapshot load_snapshot(const std::string& file) {
  LoadedSnapshot out;
  for (int n = 0; n < generations; ++n) {
    const std::string path = generation(file, n);
    const Result<FileContent> content = read_file(path, Snapshot::bytes_most);
    if (!content && content.error().code == Errc::unavailable) continue;
    Result<Snapshot> read = content ? read_snapshot(content->bytes, path) : content.error();
    if (read) {
      out.snapshot = std::move(*read);
      out.file = path;
      return out;
    }
    out.troubles.push_back(read.error().what);
  }
  return out;
}

SnapshotWriter::SnapshotWriter(std::string file, OnFailure on_failure)
    : file_(std::move(file)), on_failure_(std::move(on_failure)) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "snapshot");
}

SnapshotWriter::~SnapshotWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  news_.notify_one();
  thread_.join();
}

void SnapshotWriter::write(Snapshot snapshot) {
  {
    const std::lock_guard lock(mutex_);
    waiting_ = std::move(snapshot);
  }
  news_.notify_one();
}

void SnapshotWriter::run() {
  written_ = good_text(file_);
  std::unique_lock lock(mutex_);
  while (true) {
    news_.wait(lock, [this] { return ends_ || waiting_; });
    if (!waiting_) return;
    const Snapshot snapshot = std::move(*std::exchange(waiting_, std::nullopt));
    lock.unlock();
    put(snapshot);
    lock.lock();
    news_.wait_for(lock, pause, [this] { return ends_; });
  }
}

void SnapshotWriter::put(const Snapshot& snapshot) {
  std::string text = snapshot_text(snapshot);
  if (text == written_) return;
  Status done = written_.empty() ? Status(Done{}) : make_room(file_);
  if (done) done = write_file_atomically(file_, text, 0600);
  if (!done) return on_failure_("the catalog's snapshot is not written: " + done.error().what);
  written_ = std::move(text);
}

}  // namespace gatehouse::catalog
