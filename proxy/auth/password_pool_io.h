// password_pool_io.h: the threads that hash passwords, off the data path: a bcrypt takes a tenth of a second.
//   A job is handed over under a lock that is held for a few instructions; its end is told by the pool's thread. The
//   threads begin with the first job, and yield to the workers (SCHED_BATCH).
//   Limits: 2 threads, 256 jobs that wait, 8 of one client: whoever guesses keeps no one else from coming in.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/ip.h"

namespace gatehouse::auth {

class PasswordPool {
 public:
  static constexpr std::size_t threads = 2, jobs_max = 256, jobs_per_client_max = 8;
  struct Job {
    IpAddress client;
    std::string password, hash;
    std::function<void(bool good)> done;  // in a thread of the pool
  };

  PasswordPool() = default;
  ~PasswordPool() { stop(); }
  bool submit(Job job);  // any thread; false: too many wait, or no thread can be had
  void stop();           // what waits is not done; nobody is told after it returns

 private:
  void work();
  bool start_threads();

  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace gatehouse::auth
