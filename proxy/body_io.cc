#include "proxy/body_io.h"

#include <algorithm>

namespace gatehouse::proxy {
namespace {

static_assert(Buffer::headroom >= http::trailer_name_bytes_max);

Moved from_relay(Relay::State state) {
  switch (state) {
    case Relay::State::blocked: return Moved::blocked;
    case Relay::State::yielded: return Moved::yielded;
    case Relay::State::done: return Moved::done;
    case Relay::State::source_ended: return Moved::source_ended;
    case Relay::State::source_failed: return Moved::source_failed;
    case Relay::State::sink_failed: break;
  }
  return Moved::sink_failed;
}

}  // namespace

void BodyMover::start(Coding coding, std::uint64_t left, Buffer held) {
  coding_ = coding;
  done_ = false;
  relay_.start(coding == Coding::length ? left : Relay::unlimited, std::move(held));
}

bool BodyMover::feed_first(Coding coding, Buffer& slab, std::size_t body, http::TrailerGuard guard) {
  coding_ = coding;
  chunks_ = http::ChunkedBody(
      coding == Coding::decode ? http::ChunkedBody::Mode::decode : http::ChunkedBody::Mode::pass, guard);
  received_ += slab.size() - body;
  return take_in(slab, body);
}

void BodyMover::start_held(Coding coding, Buffer held) {
  coding_ = coding;
  held_ = std::move(held);
}

bool BodyMover::take_in(Buffer& slab, std::size_t body) {
  char* const data = slab.data() + body;
  const std::size_t size = slab.size() - body;
  const auto fed = chunks_.feed(data, size);
  if (fed.fault != nullptr || too_large()) return false;
  if (fed.done && fed.consumed < size) {
    surplus_ = buffers_.take(slab.capacity());
    surplus_.append({data + fed.consumed, size - fed.consumed});
    received_ -= surplus_.size();
  }
  slab.prepend(fed.before);
  slab.shrink_to(body + fed.kept);
  last_read_ = fed.done;
  return true;
}

void BodyMover::put_chunk_on(Buffer& slab) {
  slab.prepend(slab.data() - http::write_chunk_head(slab.size(), slab.data()));
  std::memcpy(slab.end(), http::chunk_tail.data(), http::chunk_tail.size());  // the tailroom is there for this
  slab.grew(http::chunk_tail.size());
}

std::uint64_t BodyMover::least_to_come() const {
  if (coding_ == Coding::length) return filtered_ ? left_ : relay_.left();
  const bool has_end = coding_ == Coding::chunked || coding_ == Coding::decode;
  return has_end && !last_read_ ? 1 : 0;
}

Moved BodyMover::drain(Stream& to) {
  if (to.pending()) {
    const IoResult flushed = to.flush();
    if (!flushed.ok()) return flushed.again() ? Moved::blocked : Moved::sink_failed;
  }
  while (held_ && !held_.empty()) {
    const IoResult sent = to.send(held_.data(), held_.size(), last_read_);
    if (!sent.ok()) return sent.again() ? Moved::blocked : Moved::sink_failed;
    held_.consume(sent.size);
    moved_ += sent.size;
    if (to.pending()) {
      to.wait_writable();
      return Moved::blocked;
    }
  }
  return Moved::done;
}

void BodyMover::start_filtered(Coding coding, std::uint64_t left, compress::BodyFilterPtr filter, Buffer head,
                               Buffer first) {
  coding_ = coding;
  left_ = left;
  filtered_ = std::make_unique<FilteredBody>(buffers_, std::move(filter), std::move(head), std::move(first));
}

// What the source sends, without its framing.
class BodyMover::Payload final : public ByteSource {
 public:
  Payload(BodyMover& mover, Stream& from) : mover_(mover), from_(from) {}
  bool malformed() const { return malformed_; }

  IoResult read(char* data, std::size_t size) override {
    const bool counted = mover_.coding_ == Coding::length;
    if ((counted && mover_.left_ == 0) || mover_.last_read_) return {IoResult::State::ended};
    for (;;) {
      if (!from_.may_receive()) {
        from_.wait_readable();
        return {IoResult::State::again};
      }
      const std::size_t wanted = counted ? std::min<std::uint64_t>(size, mover_.left_) : size;
      const IoResult got = from_.receive(data, wanted);
      if (got.state == IoResult::State::ended && mover_.coding_ != Coding::raw) return {IoResult::State::failed};
      if (!got.ok()) return got;
      mover_.received_ += got.size;
      if (counted) mover_.left_ -= got.size;
      if (mover_.coding_ != Coding::decode) return got;
      const std::size_t kept = decode(data, got.size);
      if (malformed_) return {IoResult::State::failed};
      if (kept > 0) return {IoResult::State::ok, kept};
      if (mover_.last_read_) return {IoResult::State::ended};
    }
  }

 private:
  std::size_t decode(char* data, std::size_t size) {
    const auto fed = mover_.chunks_.feed(data, size);
    malformed_ = fed.fault != nullptr;
    mover_.last_read_ = fed.done;
    if (fed.done && fed.consumed < size) {
      mover_.surplus_ = mover_.buffers_.take(BufferPool::large);
      mover_.surplus_.append({data + fed.consumed, size - fed.consumed});
      mover_.received_ -= mover_.surplus_.size();
    }
    return fed.kept;
  }

  BodyMover& mover_;
  Stream& from_;
  bool malformed_ = false;
};

Moved BodyMover::run_filtered(Stream& from, Stream& to) {
  Payload payload(*this, from);
  const Moved moved = filtered_->run(payload, to);
  done_ = moved == Moved::done;
  return payload.malformed() ? Moved::malformed : moved;
}

Moved BodyMover::run(Stream& from, Stream& to) {
  if (filtered_) return run_filtered(from, to);
  if (relayed()) {
    const Moved moved = from_relay(relay_.run(from, to));
    done_ = moved == Moved::done || (moved == Moved::source_ended && coding_ == Coding::raw);
    return moved;
  }
  const std::uint64_t end = moved_ + Relay::share;
  for (;;) {
    if (const Moved drained = drain(to); drained != Moved::done) return drained;
    if (last_read_) {
      held_.release();
      done_ = true;
      return Moved::done;
    }
    if (moved_ >= end) return Moved::yielded;
    if (!from.may_receive()) {
      from.wait_readable();
      held_.release();
      return Moved::blocked;
    }
    const bool large = received_ > BufferPool::large && !buffers_.full();
    if (!held_) held_ = buffers_.take(large ? BufferPool::large : BufferPool::small);
    held_.clear();
    const IoResult got = from.receive(held_.data(), held_.room());
    if (got.ok()) {
      received_ += got.size;
      held_.grew(got.size);
      if (coding_ == Coding::encode) {
        put_chunk_on(held_);
      } else if (!take_in(held_, 0)) {
        return Moved::malformed;
      }
      continue;
    }
    held_.clear();
    if (got.state == IoResult::State::ended && coding_ == Coding::encode) {
      held_.append(http::last_chunk);
      last_read_ = true;
      continue;
    }
    held_.release();
    if (got.again()) return Moved::blocked;
    return got.state == IoResult::State::ended ? Moved::source_ended : Moved::source_failed;
  }
}

}  // namespace gatehouse::proxy
