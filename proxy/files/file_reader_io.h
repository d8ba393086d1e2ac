// file_reader_io.h: reads a part of a file, front to back, without ever waiting for the disk on the loop.
//   What the kernel has in memory is read at once; what it hasn't, a file thread reads, and some more ahead of it.
//   Threads  the loop's own. Limits: 64 KiB are out with a file thread at a time.
//   Failure  a file that became shorter, or can't be read, has failed: what was promised can't be kept.
#pragma once

#include <memory>

#include "net/byte_source.h"
#include "net/counter.h"
#include "net/file_pool.h"
#include "net/frame_pool.h"
#include "net/open_beneath.h"

namespace gatehouse::files {

class FileReader final : public ByteSource {
 public:
  // `waits` counts what had to be asked of the file threads.
  FileReader(FilePool& pool, Waker& waker, Counter& waits, UniqueFd file);
  ~FileReader();
  FileReader(const FileReader&) = delete;

  void seek(std::uint64_t at, std::uint64_t size);
  std::uint64_t left() const { return left_; }
  bool waits() const { return job_ && !job_->finished; }  // for a file thread

  IoResult read(char* data, std::size_t size) override;
  // Straight to a plain socket, as far as it is in memory. Again: the socket is full, or waits(). Ended: bytes have
  // to be read() now.
  IoResult send_to(Socket& socket, std::size_t most);

 private:
  static constexpr std::size_t job_bytes = 64 << 10, ahead_bytes = 1 << 20;
  struct Job final : FileJob, Pooled {
    void work() override;
    UniqueFd file;
    std::uint64_t at = 0;
    std::size_t wanted = 0;
    std::ptrdiff_t got = 0;
    std::size_t taken = 0;
    char data[job_bytes];
  };
  bool ask();
  IoResult take_read(char* data, std::size_t size);
  IoResult advance(std::size_t count);

  FilePool& pool_;
  Waker& waker_;
  Counter& waits_;
  UniqueFd file_;
  std::uint64_t at_ = 0, left_ = 0;
  std::shared_ptr<Job> job_;
};

}  // namespace gatehouse::files
