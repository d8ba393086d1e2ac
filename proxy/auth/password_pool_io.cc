#include "proxy/auth/password_pool_io.h"

#include <algorithm>
#include <system_error>

#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "net/password_hash.h"

namespace gatehouse::auth {

bool PasswordPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    const auto of_client = std::ranges::count_if(jobs_, [&](const Job& each) { return each.client == job.client; });
    if (stopping_ || jobs_.size() >= jobs_max || static_cast<std::size_t>(of_client) >= jobs_per_client_max)
      return false;
    if (threads_.empty() && !start_threads()) return false;
    jobs_.push_back(std::move(job));
  }
  waiting_.notify_one();
  return true;
}

// False: there is not one to be had now.
bool PasswordPool::start_threads() {
  sigset_t all, before;  // signals are the control thread's
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    while (threads_.size() < threads) {
      threads_.emplace_back([this] { work(); });
      pthread_setname_np(threads_.back().native_handle(), "passwords");
    }
  } catch (const std::system_error&) {  // too many tasks
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !threads_.empty();
}

void PasswordPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  waiting_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void PasswordPool::work() {
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  for (;;) {
    std::unique_lock lock(mutex_);
    waiting_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const bool good = verify_password(job.password, job.hash);
    OPENSSL_cleanse(job.password.data(), job.password.size());
    job.done(good);
  }
}

}  // namespace gatehouse::auth
