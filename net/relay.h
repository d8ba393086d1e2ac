// relay.h: moves bytes one way from a stream to another, as they are, until a count is reached or the source ends.
//   Back-pressure: nothing is read while the sink has not taken what was read before; what is held is one slab, or
//   one pipe. The slab goes back while there is nothing to move (an idle WebSocket holds none). Plain to plain with
//   much left, or in flow, is spliced through a pipe. Where none can be had, or a sink leaves it full for a second,
//   bytes are copied; the pipe goes back once the sink has taken what is in it. Each call moves at most its share, so
//   that a fast pair can't starve others.
#pragma once

#include <cstdint>
#include <optional>

#include "net/buffer.h"
#include "net/pipe_pool.h"
#include "net/stream.h"

namespace gatehouse {

class Relay {
 public:
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};
  static constexpr std::uint64_t splice_least = 256 << 10;
  static constexpr std::uint64_t share = 1 << 20, splice_share = 4 << 20;  // about half a millisecond

  enum class State { blocked, yielded, done, source_ended, source_failed, sink_failed };

  Relay(BufferPool& buffers, PipePool& pipes) : buffers_(buffers), pipes_(pipes) {}
  ~Relay();
  Relay(const Relay&) = delete;

  // `left` bytes are still to come from the source; what is in `held` goes first and is not counted in it.
  void start(std::uint64_t left, Buffer held = {});
  // Until the source ends; spliced while much comes at a time, as in a dump of a database.
  void start_stream(Buffer held = {});
  State run(Stream& from, Stream& to);
  // Called when nothing has moved for a second. If the sink takes nothing: copies from now on, and empties the pipe
  // as far as a slab holds it. If a stream is silent: its pipe is for others.
  void relieve();

  std::uint64_t moved() const { return moved_; }  // bytes handed to the sink
  std::uint64_t received() const { return received_; }
  std::uint64_t left() const { return left_; }
  bool holds_pipe() const { return pipe_.has_value(); }

 private:
  bool worth_splicing(const Stream& from, const Stream& to) const;
  State drain(Stream& to);  // done: nothing is held any more
  IoResult fill(Stream& from, Stream& to);
  void ran_dry();
  void give_pipe_back();

  BufferPool& buffers_;
  PipePool& pipes_;
  Buffer held_;
  std::optional<Pipe> pipe_;
  std::size_t in_pipe_ = 0;
  std::uint64_t left_ = 0, moved_ = 0, received_ = 0;
  std::uint64_t flow_ = 0;  // bytes read; an eighth is forgotten each time the source runs dry
  bool may_splice_ = true, wants_large_ = false, is_stream_ = false;
};

}  // namespace gatehouse
