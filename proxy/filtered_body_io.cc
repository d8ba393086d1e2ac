#include "proxy/filtered_body_io.h"

#include "proxy/body_io.h"

namespace gatehouse::proxy {

using Ask = compress::BodyFilter::Ask;

namespace {

constexpr std::size_t room_least = 512;  // for another step to be worth its while
constexpr std::size_t end_bytes = http::chunk_tail.size() + http::last_chunk.size();

}  // namespace

FilteredBody::FilteredBody(BufferPool& buffers, compress::BodyFilterPtr filter, Buffer head, Buffer first)
    : buffers_(buffers), filter_(std::move(filter)), held_(std::move(head)), in_(std::move(first)) {}

bool FilteredBody::drain(Stream& to, Moved& why) {
  if (to.pending()) {
    const IoResult flushed = to.flush();
    if (!flushed.ok()) return why = flushed.again() ? Moved::blocked : Moved::sink_failed, false;
  }
  while (held_ && !held_.empty()) {
    const IoResult sent = to.send(held_.data(), held_.size(), last_);
    if (!sent.ok()) return why = sent.again() ? Moved::blocked : Moved::sink_failed, false;
    held_.consume(sent.size);
    moved_ += sent.size;
    if (to.pending()) {
      to.wait_writable();
      return why = Moved::blocked, false;
    }
  }
  return true;
}

FilteredBody::Take FilteredBody::take_in(ByteSource& from) {
  if (!in_) in_ = buffers_.take(buffers_.full() ? BufferPool::small : BufferPool::large);
  in_.clear();
  const IoResult got = from.read(in_.data(), in_.room());
  if (got.ok()) {
    in_.grew(got.size);
    read_ += got.size;
    return Take::some;
  }
  in_.release();
  if (got.state == IoResult::State::ended) return ended_ = true, Take::some;
  return got.again() ? Take::none : Take::failed;
}

// One step of the filter, behind what came out before. REQUIRES that held_ is not sealed. False: it has failed.
bool FilteredBody::filter_some() {
  if (!held_) held_ = buffers_.take();
  const std::string_view in = in_ ? in_.view().substr(0, work_share) : std::string_view();
  const bool all = !in_ || in.size() == in_.size();
  const Ask ask = !all ? Ask::more : ended_ ? Ask::finish : flushing_ ? Ask::flush : Ask::more;
  const compress::BodyFilter::Step step = filter_->step(in, ask, {held_.end(), held_.room() - end_bytes});
  if (step.failed) return false;
  if (in_) in_.consume(step.consumed);
  filtered_ += step.consumed;
  held_.grew(step.produced);
  const bool answered = ask != Ask::more && step.done;
  unflushed_ = !answered && (unflushed_ || step.consumed > 0 || step.produced > 0);
  if (answered) flushing_ = false;
  if (answered || held_.room() < room_least) seal(ask == Ask::finish && step.done);
  return true;
}

// What came out becomes a chunk, and goes.
void FilteredBody::seal(bool last) {
  if (!held_.empty()) BodyMover::put_chunk_on(held_);
  if (last) held_.append(http::last_chunk);
  last_ = last;
  sealed_ = true;
}

Moved FilteredBody::run(ByteSource& from, Stream& to) {
  const std::uint64_t moved_end = moved_ + share, work_end = filtered_ + work_share;
  for (;;) {
    if (Moved why; sealed_ && !drain(to, why)) return why;
    if (std::exchange(sealed_, false) && held_) held_.clear();
    if (last_) {
      held_.release();
      filter_.reset();  // the next body may have it
      done_ = true;
      return Moved::done;
    }
    if (moved_ >= moved_end || filtered_ >= work_end) return Moved::yielded;
    const bool has_input = in_ && !in_.empty();
    if (!has_input && !ended_ && !flushing_) {
      const Take taken = take_in(from);
      if (taken == Take::failed) return Moved::source_failed;
      if (taken == Take::none) {
        if (!unflushed_) return held_.release(), silent_ = false, Moved::blocked;
        // Others have their turn first: more may be just behind.
        if (!std::exchange(silent_, true)) return Moved::yielded;
        flushing_ = true;
      }
      silent_ = false;
    }
    if (!filter_some()) return Moved::source_failed;
  }
}

}  // namespace gatehouse::proxy
