// file_pool.h: a few threads that wait for the disk, so that a loop never does.
//   A job is handed over, its work is done by one of the threads, and its waiter is signalled in the loop. Whoever
//   waits may leave at any time (drop its pointer, after clearing `waiter`); the job's end is then nobody's news.
//   Threads  belongs to one loop; threads are started as jobs come, at most `threads_most`. The queue has a lock,
//            held for a push or a pop: only what must wait for the disk comes here.
//   Limits   `queued_most` jobs wait; beyond it submit() says no. The destructor waits for what is being worked on.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/loop.h"

namespace gatehouse {

struct FileJob {
  virtual ~FileJob() = default;
  virtual void work() = 0;  // in a thread of the pool; touches nothing but the job

  bool finished = false;    // the loop's, as is the next
  Waker* waiter = nullptr;  // signalled when it is finished; null: nobody waits any more
};

class FilePool {
 public:
  static constexpr std::size_t threads_most = 4, queued_most = 1024;

  explicit FilePool(Loop& loop) : loop_(loop) {}
  ~FilePool();
  FilePool(const FilePool&) = delete;

  // False: too many wait already, or no thread can be had; nothing is done.
  [[nodiscard]] bool submit(std::shared_ptr<FileJob> job);

 private:
  bool start_thread();
  void run();

  Loop& loop_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<std::shared_ptr<FileJob>> queue_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // the loop's own
};

}  // namespace gatehouse
