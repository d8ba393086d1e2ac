#include "net/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

namespace gatehouse {
namespace {

constexpr int wanted_capacity = 1 << 20;
std::atomic<unsigned> pipes_open{0};

}  // namespace

PipePool::~PipePool() {
  for (const Pipe pipe : free_) close(pipe);
}

std::optional<Pipe> PipePool::take() {
  if (!free_.empty()) {
    const Pipe pipe = free_.back();
    free_.pop_back();
    out_ += pipe.capacity;
    return pipe;
  }
  if (pipes_open.fetch_add(1, std::memory_order_relaxed) >= most_) {
    pipes_open.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
    pipes_open.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  fcntl(ends[1], F_SETPIPE_SZ, wanted_capacity);  // may be refused; what counts is read back
  const int capacity = fcntl(ends[1], F_GETPIPE_SZ);
  const Pipe made{ends[0], ends[1], capacity > 0 ? static_cast<std::size_t>(capacity) : 4096};
  out_ += made.capacity;
  return made;
}

void PipePool::give(Pipe pipe) {
  if (free_.size() == kept_most) return discard(pipe);
  out_ -= pipe.capacity;
  free_.push_back(pipe);
}

void PipePool::discard(Pipe pipe) {
  out_ -= pipe.capacity;
  close(pipe);
}

void PipePool::close(Pipe pipe) {
  ::close(pipe.read);
  ::close(pipe.write);
  pipes_open.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace gatehouse
