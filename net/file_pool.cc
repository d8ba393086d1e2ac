#include "net/file_pool.h"

#include <system_error>

#include <pthread.h>

namespace gatehouse {

FilePool::~FilePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool FilePool::submit(std::shared_ptr<FileJob> job) {
  bool needs_thread = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queued_most) return false;
    queue_.push_back(std::move(job));
    needs_thread = queue_.size() > idle_ && threads_.size() < threads_most;
  }
  if (needs_thread && !start_thread()) return false;
  wake_.notify_one();
  return true;
}

// False: there is no thread, and none can be had; nothing waits any more.
bool FilePool::start_thread() {
  try {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), "files");
  } catch (const std::system_error&) {
    if (!threads_.empty()) return true;  // those that there are will do
    const std::lock_guard lock(mutex_);
    queue_.clear();
    return false;
  }
  return true;
}

void FilePool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    std::shared_ptr<FileJob> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job->work();
    // The job goes back whole: what it holds belongs to the loop's thread.
    loop_.post([done = std::move(job)] {
      done->finished = true;
      if (done->waiter != nullptr) done->waiter->signal();
    });
    lock.lock();
  }
}

}  // namespace gatehouse
