#include "net/log_writer.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace gatehouse {
namespace {

Result<int> open_log(const std::string& path) {
  if (path == "stdout") return STDOUT_FILENO;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return Error{Errc::io, path + ": " + std::strerror(errno)};
  return fd;
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::open(std::string path) {
  const Result<int> fd = open_log(path);
  if (!fd) return fd.error();
  return std::unique_ptr<LogWriter>(new LogWriter(std::move(path), *fd));
}

LogWriter::LogWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "log");
}

LogWriter::~LogWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (fd_ != STDOUT_FILENO) ::close(fd_);
}

void LogWriter::add(LogRing& ring) {
  std::lock_guard lock(mutex_);
  rings_.push_back(&ring);
}

Status LogWriter::reopen() {
  if (path_ == "stdout") return Done{};
  const Result<int> fresh = open_log(path_);
  if (!fresh) return fresh.error();
  std::lock_guard lock(mutex_);  // run() writes under the lock: nobody uses the old one now
  ::close(fd_.exchange(*fresh));
  return Done{};
}

void LogWriter::nudge() {
  {
    std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

bool LogWriter::write_rings() {
  bool wrote = false;
  for (LogRing* ring : rings_) {
    for (std::string_view piece = ring->peek(); !piece.empty(); piece = ring->peek()) {
      const auto count = ::write(fd_, piece.data(), piece.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) break;
      if (count < 0) failed_.fetch_add(1, std::memory_order_relaxed);
      ring->release(count < 0 ? piece.size() : static_cast<std::size_t>(count));
      wrote = true;
    }
  }
  return wrote;
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, std::chrono::milliseconds(100), [this] { return nudged_ || stopping_; });
    nudged_ = false;
    write_rings();
  }
  write_rings();
}

}  // namespace gatehouse
