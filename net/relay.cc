#include "net/relay.h"

#include <algorithm>

#include <unistd.h>

namespace gatehouse {

Relay::~Relay() { give_pipe_back(); }

void Relay::start(std::uint64_t left, Buffer held) {
  left_ = left;
  held_ = std::move(held);
}

void Relay::start_stream(Buffer held) {
  start(unlimited, std::move(held));
  is_stream_ = true;
}

void Relay::give_pipe_back() {
  if (!pipe_) return;
  in_pipe_ == 0 ? pipes_.give(*pipe_) : pipes_.discard(*pipe_);
  pipe_.reset();
  in_pipe_ = 0;
}

bool Relay::worth_splicing(const Stream& from, const Stream& to) const {
  const std::uint64_t much = is_stream_ ? flow_ : left_ == unlimited ? 0 : left_;
  return may_splice_ && much > splice_least && from.spliceable() && to.spliceable();
}

Relay::State Relay::drain(Stream& to) {
  if (to.pending()) {
    const IoResult flushed = to.flush();
    if (!flushed.ok()) return flushed.again() ? State::blocked : State::sink_failed;
  }
  while (held_ && !held_.empty()) {
    const IoResult sent = to.send(held_.data(), held_.size(), left_ == 0 && in_pipe_ == 0);
    if (!sent.ok()) return sent.again() ? State::blocked : State::sink_failed;
    held_.consume(sent.size);
    moved_ += sent.size;
    if (to.pending()) {
      to.wait_writable();
      return State::blocked;
    }
  }
  while (in_pipe_ > 0) {
    const IoResult sent = to.socket.splice_from_pipe(pipe_->read, in_pipe_);
    if (!sent.ok()) return sent.again() ? State::blocked : State::sink_failed;
    in_pipe_ -= sent.size;
    moved_ += sent.size;
  }
  if (!may_splice_) give_pipe_back();
  return State::done;
}

IoResult Relay::fill(Stream& from, Stream& to) {
  if (worth_splicing(from, to) && !pipe_) {
    pipe_ = pipes_.take();
    if (!pipe_) may_splice_ = false;
  }
  if (pipe_ && left_ > 0 && may_splice_) {
    held_.release();
    const std::size_t wanted = std::min<std::uint64_t>(left_, pipe_->capacity);
    const IoResult got = from.socket.splice_to_pipe(pipe_->write, wanted);
    if (got.ok()) in_pipe_ += got.size;
    return got;
  }
  const bool large = !buffers_.full() && (wants_large_ || (left_ != unlimited && left_ > BufferPool::small));
  if (!held_ || (large && held_.capacity() < BufferPool::large))
    held_ = buffers_.take(large ? BufferPool::large : BufferPool::small);
  held_.clear();
  const std::size_t wanted = std::min<std::uint64_t>(left_, held_.room());
  const IoResult got = from.receive(held_.data(), wanted);
  if (got.ok()) {
    held_.grew(got.size);
    wants_large_ = got.size == wanted && left_ == unlimited;
  }
  return got;
}

// No slab is held while there is nothing to move. A pipe is, as long as much comes again and again.
void Relay::ran_dry() {
  held_.release();
  flow_ -= flow_ / 8;
  if (is_stream_ && flow_ < splice_least / 2) give_pipe_back();
}

Relay::State Relay::run(Stream& from, Stream& to) {
  const std::uint64_t start = moved_;
  for (;;) {
    if (const State drained = drain(to); drained != State::done) return drained;
    if (left_ == 0) {
      held_.release();
      give_pipe_back();
      return State::done;
    }
    if (moved_ - start >= (pipe_ ? splice_share : share)) return State::yielded;
    if (left_ != unlimited && to.lane && !to.writable()) {  // what can't go on yet need not wait with us
      held_.release();
      return State::blocked;
    }
    if (!from.may_receive()) {
      from.wait_readable();
      ran_dry();
      return State::blocked;
    }
    const IoResult got = fill(from, to);
    if (!got.ok()) {
      ran_dry();
      if (got.again()) return State::blocked;
      return got.state == IoResult::State::ended ? State::source_ended : State::source_failed;
    }
    received_ += got.size;
    flow_ += got.size;
    if (left_ != unlimited) left_ -= got.size;
  }
}

void Relay::relieve() {
  if (!pipe_ || (held_ && !held_.empty())) return;
  if (in_pipe_ == 0) {  // a stream that fell silent; a body's rest is still to come
    flow_ = 0;
    return is_stream_ ? give_pipe_back() : void();
  }
  may_splice_ = false;
  held_ = buffers_.take(BufferPool::large);
  const auto got = ::read(pipe_->read, held_.data(), std::min(held_.room(), in_pipe_));
  if (got <= 0) return held_.release();
  held_.grew(got);
  in_pipe_ -= got;
  if (in_pipe_ == 0) give_pipe_back();
}

}  // namespace gatehouse
