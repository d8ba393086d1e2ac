// contexts.h: the compressors of one worker.
//   A compressor is dear to make and large (gzip 260 KiB, zstd and brotli up to 4 MiB, brotli above level 5 twice as
//   much with each), so those that can begin anew are kept, and all are counted in number and bytes.
//   Threads  the worker's own. Limits: `most` at once, of which `kept_most` of a kind are kept idle; beyond that, and
//            where memory is short, take() gives none and the body goes as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "conf/content.h"
#include "proxy/compress/body_filter.h"

namespace gatehouse::compress {

// One library's state, which begins anew for each body.
class Context : public BodyFilter {
 public:
  // `size`: of the body, if it is known. False: it can't.
  virtual bool begin(unsigned level, std::optional<std::uint64_t> size) = 0;
  virtual void idle() {}                  // its body is over: gives back what the next one has no use for
  virtual std::size_t bytes() const = 0;  // held now
};
std::unique_ptr<Context> make_gzip();
std::unique_ptr<Context> make_brotli();
std::unique_ptr<Context> make_zstd();

class Contexts {
 public:
  static constexpr std::size_t kept_most = 4;

  void set_most(std::size_t most) { most_ = most; }
  // Null: there is none to be had now. The filter goes before us.
  BodyFilterPtr take(conf::ContentCoding coding, unsigned level, std::optional<std::uint64_t> size);
  void clear_kept();  // memory is short
  std::size_t out() const { return out_; }
  std::size_t bytes() const { return bytes_; }  // of those that are out, as they began, and of those that are kept

 private:
  class Lent;
  void give(conf::ContentCoding coding, std::unique_ptr<Context> context, std::size_t counted);

  std::size_t most_ = 256, out_ = 0, bytes_ = 0;
  std::vector<std::unique_ptr<Context>> kept_[conf::content_coding_count];
};

}  // namespace gatehouse::compress
