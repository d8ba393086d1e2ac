#include "proxy/files/file_reader_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>

namespace gatehouse::files {

void FileReader::Job::work() {
  read_ahead(file.get(), at, ahead_bytes);
  got = read_at(file.get(), {data, wanted}, at, Disk::wait);
}

FileReader::FileReader(FilePool& pool, Waker& waker, Counter& waits, UniqueFd file)
    : pool_(pool), waker_(waker), waits_(waits), file_(std::move(file)) {}

FileReader::~FileReader() {
  if (job_) job_->waiter = nullptr;
}

void FileReader::seek(std::uint64_t at, std::uint64_t size) {
  if (job_) job_->waiter = nullptr;
  job_.reset();
  at_ = at;
  left_ = size;
}

IoResult FileReader::advance(std::size_t count) {
  at_ += count;
  left_ -= count;
  return {IoResult::State::ok, count};
}

// Has a file thread read what comes next. False: none takes it.
bool FileReader::ask() {
  std::shared_ptr<Job> job(new Job);  // pooled, and so counted
  job->file = UniqueFd(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  if (!job->file) return false;
  job->at = at_;
  job->wanted = std::min<std::uint64_t>(left_, job_bytes);
  job->waiter = &waker_;
  if (!pool_.submit(job)) return false;
  waits_.add();
  job_ = std::move(job);
  return true;
}

// What a file thread has read.
IoResult FileReader::take_read(char* data, std::size_t size) {
  const std::size_t count = std::min(size, static_cast<std::size_t>(job_->got) - job_->taken);
  std::memcpy(data, job_->data + job_->taken, count);
  job_->taken += count;
  if (job_->taken == static_cast<std::size_t>(job_->got)) job_.reset();
  return advance(count);
}

IoResult FileReader::read(char* data, std::size_t size) {
  if (left_ == 0) return {IoResult::State::ended};
  if (job_) {
    if (!job_->finished) return {IoResult::State::again};
    if (job_->got <= 0) return {IoResult::State::failed};
    return take_read(data, size);
  }
  const std::size_t wanted = std::min<std::uint64_t>(size, left_);
  const std::ptrdiff_t count = read_at(file_.get(), {data, wanted}, at_, Disk::cached);
  if (count > 0) return advance(static_cast<std::size_t>(count));
  if (count == 0 || (errno != EAGAIN && errno != EOPNOTSUPP)) return {IoResult::State::failed};
  return {ask() ? IoResult::State::again : IoResult::State::failed};
}

IoResult FileReader::send_to(Socket& socket, std::size_t most) {
  if (job_) return {job_->finished ? IoResult::State::ended : IoResult::State::again};
  const std::size_t wanted = std::min<std::uint64_t>(most, left_);
  if (!socket.writable()) {
    socket.wait_writable();
    return {IoResult::State::again};
  }
  if (!seems_cached(file_.get(), at_, wanted)) return {IoResult::State::ended};
  const IoResult sent = socket.send_file(file_.get(), at_, wanted);
  if (sent.state == IoResult::State::ended) return {IoResult::State::failed};
  return sent.ok() ? advance(sent.size) : sent;
}

}  // namespace gatehouse::files
