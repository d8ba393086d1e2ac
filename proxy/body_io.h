// body_io.h: moves one message body from the stream it comes on to the stream it is for.
//   Its framing (RFC 9112 6, 7) is kept, taken off or put on.
//   Bodies of a known length and upgraded connections go through net/relay (copied or spliced); chunked ones are
//   validated chunk by chunk and never forwarded past an error, so that the receiver can tell. What was read behind
//   the end of a chunked body is kept as surplus: it is the next message's, or nobody's.
#pragma once

#include <memory>

#include "net/relay.h"
#include "proxy/filtered_body_io.h"
#include "proxy/http/chunked.h"

namespace gatehouse::proxy {

enum class Moved { blocked, yielded, done, source_ended, source_failed, sink_failed, malformed };

class BodyMover {
 public:
  enum class Coding {
    length,   // so many bytes, as they are; 0: no body
    raw,      // until the source ends, as they are
    encode,   // until the source ends; chunked for the sink
    chunked,  // chunked on both sides
    decode,   // chunked from the source, plain to the sink
  };

  BodyMover(BufferPool& buffers, PipePool& pipes) : buffers_(buffers), relay_(buffers, pipes) {}

  // Chunked bodies with more payload than this count as malformed, and too_large().
  void set_limit(std::uint64_t payload_most) { payload_most_ = payload_most; }
  bool too_large() const { return chunks_.payload_bytes() > payload_most_; }

  // For length and raw: `held` goes first, then `left` more bytes of the source.
  void start(Coding coding, std::uint64_t left, Buffer held = {});
  // For chunked and decode: feeds the bytes of `slab` behind `body` (an offset) in place. False: malformed. The
  // slab's bytes in front of `body` are left alone; then start_held() sends it all.
  // What `guard` names is left out of the trailers.
  bool feed_first(Coding coding, Buffer& slab, std::size_t body, http::TrailerGuard guard);
  void start_held(Coding coding, Buffer held);
  // For length, raw and decode, which say how the source frames it: the payload passes the filter and reaches the
  // sink in chunks, behind the head. `first` is what of the payload is here; the `left` after it is for length.
  void start_filtered(Coding coding, std::uint64_t left, compress::BodyFilterPtr filter, Buffer head, Buffer first);

  Moved run(Stream& from, Stream& to);
  // Makes the bytes of a slab one chunk.
  static void put_chunk_on(Buffer& slab);

  bool done() const { return done_; }
  // So many bytes at least must still come from the source before the body is whole.
  std::uint64_t least_to_come() const;
  std::uint64_t moved() const { return filtered_ ? filtered_->moved() : relayed() ? relay_.moved() : moved_; }
  std::uint64_t received() const { return relayed() && !filtered_ ? relay_.received() : received_; }
  // Of the payload, through the filter.
  std::uint64_t filtered() const { return filtered_ ? filtered_->filtered() : 0; }
  bool holds_pipe() const { return relay_.holds_pipe(); }
  void relieve() { relay_.relieve(); }
  // What came behind the end of a chunked body.
  Buffer take_surplus() { return std::move(surplus_); }

 private:
  bool relayed() const { return coding_ == Coding::length || coding_ == Coding::raw; }
  bool take_in(Buffer& slab, std::size_t body);
  Moved drain(Stream& to);
  class Payload;
  Moved run_filtered(Stream& from, Stream& to);

  BufferPool& buffers_;
  Relay relay_;
  http::ChunkedBody chunks_;
  Buffer held_, surplus_;
  std::uint64_t moved_ = 0, received_ = 0, payload_most_ = ~std::uint64_t{0};
  Coding coding_ = Coding::length;
  bool done_ = false, last_read_ = false;
  std::unique_ptr<FilteredBody> filtered_;
  std::uint64_t left_ = 0;  // of the source, for the filter
};

}  // namespace gatehouse::proxy
