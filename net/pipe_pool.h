// pipe_pool.h: the pipes that splice() moves bytes through.
//   Limits   at most `most` pipes for the whole process; an unprivileged user gets few large ones (pipe(7),
//            pipe-user-pages-soft), so the real size of each is read back. Empty pool: the caller copies. A pool
//            keeps `kept_most` that are not in use; the others are left to all.
//   Threads  a pool belongs to one loop; the count is shared.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

namespace gatehouse {

struct Pipe {
  int read = -1, write = -1;
  std::size_t capacity = 0;
};

class PipePool {
 public:
  static constexpr std::size_t kept_most = 4;

  explicit PipePool(unsigned most) : most_(most) {}
  ~PipePool();
  PipePool(const PipePool&) = delete;

  std::optional<Pipe> take();
  void give(Pipe pipe);                           // must be empty
  void discard(Pipe pipe);                        // closes it, with whatever is in it
  std::size_t bytes_out() const { return out_; }  // what the pipes in use may hold

 private:
  void close(Pipe pipe);

  unsigned most_;
  std::size_t out_ = 0;
  std::vector<Pipe> free_;
};

}  // namespace gatehouse
