// task.h: Task<T>, the coroutine type of the data plane.
//   Lazy: runs when awaited or started. A child that ends without suspending returns to its parent
//   directly; one that suspended resumes its parent through the loop's ready list, so that the stack never grows and
//   no frame is destroyed under a running one. Frames come from the thread's FramePool. One thread, no locks.
//   GCC 12: no capturing coroutine lambdas, no co_await in conditional expressions, no aggregate temporaries in
//   awaited calls (checked by tests/tidy). A task must not throw: an exception that escapes ends the program.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "net/frame_pool.h"
#include "net/loop.h"

namespace gatehouse {

namespace detail {

struct PromiseBase {
  ReadyNode continuation;      // the parent, once it is suspended on us
  bool awaited_inline = true;  // the parent is still on the stack, inside await_suspend

  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* memory, std::size_t size) { FramePool::give(memory, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      PromiseBase& promise = self.promise();
      if (!promise.awaited_inline && promise.continuation.handle) Loop::current().make_ready(promise.continuation);
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_value(T result) { value.emplace(std::move(result)); }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() {}
  void take() {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) noexcept {
    handle_.promise().continuation.handle = parent;
    handle_.resume();
    handle_.promise().awaited_inline = false;
    return !handle_.done();
  }
  T await_resume() { return handle_.promise().take(); }

  // For the owner of a whole story (a connection): runs it until its first suspension; done() tells when to drop it.
  void start() { handle_.resume(); }
  bool done() const { return handle_.done(); }

 private:
  Handle handle_;
};

}  // namespace gatehouse
