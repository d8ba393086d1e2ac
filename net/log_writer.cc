#include "net/log_writer.h"

#include <cerrno>
#include <climits>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr int patience_ms = 100;  // between two looks at the rings, and for a pipe that is full

// O_NONBLOCK: a pipe that nobody reads is an error at once, not a wait.
Result<int> open_log(const std::string& path) {
  if (path == "stdout") return STDOUT_FILENO;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fd < 0) return Error{Errc::io, path + ": " + std::strerror(errno)};
  return fd;
}

void close_log(int fd) {
  if (fd >= 0 && fd != STDOUT_FILENO) ::close(fd);
}

bool is_ready(int fd, short what) {
  pollfd one{fd, what, 0};
  return ::poll(&one, 1, patience_ms) > 0;
}

// Lines that a pipe takes whole or not at all, so that another writer's never stands in the midst of ours.
std::string_view lines_within(std::string_view piece, std::size_t most) {
  if (piece.size() <= most) return piece;
  const auto end = piece.rfind('\n', most - 1);
  return piece.substr(0, end == std::string_view::npos ? most : end + 1);
}

// A pipe that is ready takes PIPE_BUF bytes without a wait, as long as nobody else of us fills it meanwhile.
// Less than zero and errno EAGAIN: nothing is taken now.
ssize_t write_stdout(std::string_view piece) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) > 0) {
    const std::string_view lines = lines_within(piece, PIPE_BUF);
    return ::write(STDOUT_FILENO, lines.data(), lines.size());
  }
  errno = EAGAIN;
  return -1;
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::open(std::string path) {
  const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) return Error{Errc::io, std::string("eventfd: ") + std::strerror(errno)};
  const Result<int> fd = open_log(path);
  if (fd) return std::unique_ptr<LogWriter>(new LogWriter(std::move(path), *fd, event));
  ::close(event);
  return fd.error();
}

LogWriter::LogWriter(std::string path, int fd, int event)
    : path_(std::move(path)), fd_(fd), event_(event), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "log");
}

LogWriter::~LogWriter() {
  stopping_ = true;
  ::eventfd_write(event_.get(), 1);
  thread_.join();
  close_log(reopened_);
  close_log(fd_);
}

void LogWriter::add(LogRing& ring) {
  std::lock_guard lock(mutex_);
  rings_.push_back(&ring);
}

Status LogWriter::reopen() {
  if (path_ == "stdout") return Done{};
  const Result<int> fresh = open_log(path_);
  if (!fresh) return fresh.error();
  close_log(reopened_.exchange(*fresh));
  nudge();
  return Done{};
}

void LogWriter::nudge() {
  if (!nudged_.exchange(true)) ::eventfd_write(event_.get(), 1);
}

void LogWriter::wait_for_nudge() {
  if (!is_ready(event_.get(), POLLIN)) return;
  eventfd_t count = 0;
  ::eventfd_read(event_.get(), &count);
  nudged_ = false;
}

void LogWriter::use_reopened() {
  const int fresh = reopened_.exchange(-1);
  if (fresh < 0) return;
  close_log(fd_);
  fd_ = fresh;
  broken_ = false;
}

void LogWriter::write_rings() {
  std::vector<LogRing*> rings;
  {
    std::lock_guard lock(mutex_);
    rings = rings_;
  }
  if (cut_ != nullptr && !write_ring(*cut_)) return;
  for (LogRing* ring : rings)
    if (!write_ring(*ring)) return;
}

ssize_t LogWriter::put(std::string_view text) {
  return path_ == "stdout" ? write_stdout(text) : ::write(fd_, text.data(), text.size());
}

// False: the log takes nothing now.
bool LogWriter::write_ring(LogRing& ring) {
  for (std::string_view piece = ring.peek(); !piece.empty(); piece = ring.peek()) {
    use_reopened();  // a line that is put in after reopen() never goes to the old file
    if (!is_ready(fd_, POLLOUT)) return false;
    const auto count = put(broken_ ? "\n" : piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return false;
    if (count < 0) {  // pieces end with a line
      failed_.fetch_add(1, std::memory_order_relaxed);
      broken_ = broken_ || cut_ != nullptr;
      cut_ = nullptr;
      ring.release(piece.size());
    } else if (broken_) {
      broken_ = false;
    } else {
      const auto taken = piece.substr(0, static_cast<std::size_t>(count));
      cut_ = taken.ends_with('\n') ? nullptr : &ring;
      ring.release(taken.size());
    }
  }
  return true;
}

void LogWriter::run() {
  while (!stopping_) {
    wait_for_nudge();
    use_reopened();
    write_rings();
  }
  write_rings();
}

}  // namespace gatehouse
