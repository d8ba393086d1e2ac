// file_body_io.h: sends the body of an answer that is a file, a part of one, or several parts.
//   The head and what is small leave in one send. To a plain socket the rest goes by sendfile(2), as far as it is in
//   memory; otherwise (TLS, HTTP/2, a cold file) through one slab. Each call moves at most its share.
//   Lifetime  the answer's ranges are copied; the reader is ours.
#pragma once

#include <optional>

#include "net/buffer.h"
#include "net/stream.h"
#include "proxy/files/file_reader_io.h"
#include "proxy/files/range.h"
#include "proxy/filtered_body_io.h"
#include "proxy/local_body.h"

namespace gatehouse::proxy {

class FileBody final : public LocalBody {
 public:
  FileBody(BufferPool& buffers, files::FileReader& reader) : buffers_(buffers), reader_(reader) {}

  // The head goes first, then each range; `parts`, if given, stands between several.
  void start(Buffer head, const files::Ranges& ranges, std::optional<files::Byteranges> parts);
  // The whole file, or nothing of it.
  void start(Buffer head, std::uint64_t size);

  Moved run(Stream& to) override;
  std::uint64_t moved() const override { return moved_; }
  bool waits_for_source() const override { return reader_.waits(); }

 private:
  static constexpr std::size_t send_file_least = 32 << 10, window = 1 << 20;
  static constexpr std::uint64_t share = 1 << 20;

  void next_range();
  bool is_last() const { return reader_.left() == 0 && at_ == ranges_.count && !tail_due_; }
  IoResult fill();
  IoResult drain(Stream& to);

  BufferPool& buffers_;
  files::FileReader& reader_;
  Buffer held_;
  files::Ranges ranges_;
  std::optional<files::Byteranges> parts_;
  std::size_t at_ = 0;  // the next range
  bool tail_due_ = false;
  std::uint64_t moved_ = 0;
};

// The same through a filter: the whole file, compressed as it goes.
class FilteredFile final : public LocalBody {
 public:
  FilteredFile(BufferPool& buffers, files::FileReader& reader, compress::BodyFilterPtr filter, Buffer head)
      : reader_(reader), body_(buffers, std::move(filter), std::move(head), {}) {}

  Moved run(Stream& to) override { return body_.run(reader_, to); }
  std::uint64_t moved() const override { return body_.moved(); }
  bool waits_for_source() const override { return reader_.waits(); }
  std::uint64_t filtered() const { return body_.filtered(); }

 private:
  files::FileReader& reader_;
  FilteredBody body_;
};

}  // namespace gatehouse::proxy
