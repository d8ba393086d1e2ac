#include "cli/log_file_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gatehouse::cli {

Result<LogFile> LogFile::open(std::string path, std::size_t back) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) < 0) return Error{Errc::io, path + ": " + std::strerror(errno)};
  if (!S_ISREG(info.st_mode)) return Error{Errc::io, path + ": is not a file"};
  LogFile out(std::move(path), std::move(fd));
  if (static_cast<std::size_t>(info.st_size) > back) {
    // One byte earlier: if that ends a line, the one behind it is whole.
    ::lseek(out.fd_.get(), info.st_size - static_cast<off_t>(back) - 1, SEEK_SET);
    out.skipping_ = true;
  }
  return out;
}

bool LogFile::read(std::vector<std::string>& lines) {
  const bool ours_is_done = next_has_begun();  // looked at first: what came to ours until then is read
  std::array<char, 64 << 10> chunk;
  const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
  if (got <= 0) return ours_is_done ? take_next_file() : begin_again();
  split({chunk.data(), static_cast<std::size_t>(got)}, lines);
  return true;
}

bool LogFile::next_has_begun() const {
  struct stat ours{}, there{};
  if (::fstat(fd_.get(), &ours) < 0 || ::stat(path_.c_str(), &there) < 0) return false;
  return there.st_size > 0 && (ours.st_ino != there.st_ino || ours.st_dev != there.st_dev);
}

bool LogFile::take_next_file() {
  UniqueFd next(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!next) return false;
  fd_ = std::move(next);
  rest_.clear();
  skipping_ = false;
  return true;
}

// True: ours became shorter than what was read of it.
bool LogFile::begin_again() {
  struct stat ours{};
  if (::fstat(fd_.get(), &ours) < 0 || ::lseek(fd_.get(), 0, SEEK_CUR) <= ours.st_size) return false;
  ::lseek(fd_.get(), 0, SEEK_SET);
  rest_.clear();
  skipping_ = false;
  return true;
}

void LogFile::split(std::string_view bytes, std::vector<std::string>& lines) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const bool whole = end != std::string_view::npos;
    if (!skipping_) rest_ += part;
    if (rest_.size() > line_bytes_max) skipping_ = true;
    if (skipping_) rest_.clear();
    if (!whole) return;
    if (!skipping_) lines.push_back(std::move(rest_));
    rest_.clear();
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace gatehouse::cli
