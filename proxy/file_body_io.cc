#include "proxy/file_body_io.h"

namespace gatehouse::proxy {
namespace {

Moved as_sink(const IoResult& result) { return result.again() ? Moved::blocked : Moved::sink_failed; }

}  // namespace

void FileBody::start(Buffer head, const files::Ranges& ranges, std::optional<files::Byteranges> parts) {
  held_ = std::move(head);
  ranges_ = ranges;
  parts_ = parts;
  tail_due_ = parts_.has_value();
}

void FileBody::start(Buffer head, std::uint64_t size) {
  held_ = std::move(head);
  if (size == 0) return;
  ranges_.count = 1;
  ranges_.each[0] = {0, size};
}

// REQUIRES that held_ has room for a part's head.
void FileBody::next_range() {
  std::array<char, files::Byteranges::part_head_max> room;
  if (at_ == ranges_.count) {
    if (std::exchange(tail_due_, false)) held_.append(parts_->tail(room));
    return;
  }
  const files::ByteRange& range = ranges_.each[at_++];
  if (parts_) held_.append(parts_->head(range, at_ == 1, room));
  reader_.seek(range.first, range.size);
}

// Reads on into what is held. Ended: it is full, or all has been read.
IoResult FileBody::fill() {
  while (held_.room() >= files::Byteranges::part_head_max) {
    if (reader_.left() == 0) {
      if (is_last()) break;
      next_range();
      continue;
    }
    const IoResult got = reader_.read(held_.end(), held_.room());
    if (!got.ok()) return got;
    held_.grew(got.size);
  }
  return {IoResult::State::ended};
}

IoResult FileBody::drain(Stream& to) {
  if (to.pending()) {
    const IoResult flushed = to.flush();
    if (!flushed.ok()) return flushed;
  }
  while (held_ && !held_.empty()) {
    const IoResult sent = to.send(held_.data(), held_.size(), is_last());
    if (!sent.ok()) return sent;
    held_.consume(sent.size);
    moved_ += sent.size;
    if (to.pending()) {
      to.wait_writable();
      return {IoResult::State::again};
    }
  }
  return {IoResult::State::ok};
}

Moved FileBody::run(Stream& to) {
  const std::uint64_t end = moved_ + share;
  for (;;) {
    // A range that is large goes without us holding it; what stands before it goes first.
    if (held_ && reader_.left() == 0 && !is_last()) next_range();
    const bool whole = to.spliceable() && reader_.left() >= send_file_least;
    const bool heads_go_first = to.lane && moved_ == 0;  // as frames of their own; then it is known what may follow
    if (held_ && !whole && !heads_go_first) {
      const IoResult filled = fill();
      if (filled.state == IoResult::State::failed) return Moved::source_failed;
      if (filled.again() && held_.empty()) return Moved::blocked;
    }
    if (const IoResult drained = drain(to); !drained.ok()) return as_sink(drained);
    if (held_) whole ? held_.release() : held_.clear();
    if (is_last()) return held_.release(), Moved::done;
    if (moved_ >= end) return Moved::yielded;
    if (to.lane && !to.writable()) return held_.release(), Moved::blocked;  // what can't go on need not wait with us
    if (whole) {
      const IoResult sent = reader_.send_to(to.socket, std::min<std::uint64_t>(window, reader_.left()));
      if (sent.ok()) {
        moved_ += sent.size;
        continue;
      }
      if (sent.again()) return Moved::blocked;
      if (sent.state == IoResult::State::failed) return to.failed() ? Moved::sink_failed : Moved::source_failed;
    }
    const bool large = reader_.left() > BufferPool::small && !buffers_.full();
    if (!held_ || (large && held_.capacity() < BufferPool::large))
      held_ = buffers_.take(large ? BufferPool::large : BufferPool::small);
    if (whole) {  // cold: one slab through us, then see again
      const IoResult got = reader_.read(held_.end(), held_.room());
      if (got.again()) return held_.release(), Moved::blocked;
      if (!got.ok()) return Moved::source_failed;
      held_.grew(got.size);
    }
  }
}

}  // namespace gatehouse::proxy
