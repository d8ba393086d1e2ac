// filtered_body_io.h: a body that passes a filter on its way, and reaches the client in chunks.
//   What has come is filtered at once; when the source has been silent for a turn of the loop, what the filter still
//   holds is flushed, so that an event of a stream is never kept back. Nothing is read while the client has not taken
//   what came out. Bounded work a turn; two slabs while there is something to do, none while there isn't.
#pragma once

#include <cstdint>

#include "net/buffer.h"
#include "net/byte_source.h"
#include "net/frame_pool.h"
#include "net/stream.h"
#include "proxy/compress/body_filter.h"

namespace gatehouse::proxy {

enum class Moved;

class FilteredBody : public Pooled {
 public:
  // The head goes first; `first` is what of the body has been read already.
  FilteredBody(BufferPool& buffers, compress::BodyFilterPtr filter, Buffer head, Buffer first);

  // source_ended is never told: a body that lacks something fails.
  Moved run(ByteSource& from, Stream& to);

  bool done() const { return done_; }
  std::uint64_t moved() const { return moved_; }        // bytes to the client, with the head
  std::uint64_t read() const { return read_; }          // of the body as it comes, but for `first`
  std::uint64_t filtered() const { return filtered_; }  // of it, through the filter

 private:
  static constexpr std::uint64_t work_share = 64 << 10, share = 1 << 20;
  enum class Take { some, none, failed };
  Take take_in(ByteSource& from);
  bool filter_some();
  void seal(bool last);
  bool drain(Stream& to, Moved& why);

  BufferPool& buffers_;
  compress::BodyFilterPtr filter_;
  Buffer held_, in_;
  std::uint64_t moved_ = 0, read_ = 0, filtered_ = 0;
  bool ended_ = false;      // the source has
  bool unflushed_ = false;  // the filter holds something
  bool flushing_ = false;   // it is being asked for it
  bool silent_ = false;     // the source was, a turn ago
  bool sealed_ = true;      // held_ goes to the client: first the head
  bool last_ = false;       // the end is in held_
  bool done_ = false;
};

}  // namespace gatehouse::proxy
