#include <zlib.h>

#include "proxy/compress/contexts.h"

namespace gatehouse::compress {
namespace {

constexpr int gzip_window = 15 + 16;  // with gzip's head and tail (RFC 1952)
constexpr int memory_level = 8;

class Gzip final : public Context {
 public:
  Gzip() = default;
  Gzip(const Gzip&) = delete;
  ~Gzip() override { end(); }

  bool begin(unsigned level, std::optional<std::uint64_t>) override {
    if (made_ && level_ == level) return deflateReset(&stream_) == Z_OK;
    end();
    level_ = level;
    made_ = deflateInit2(&stream_, static_cast<int>(level), Z_DEFLATED, gzip_window, memory_level,
                         Z_DEFAULT_STRATEGY) == Z_OK;
    return made_;
  }

  // zlib.h: (1 << (window + 2)) + (1 << (memory level + 9)), and some kilobytes.
  std::size_t bytes() const override { return made_ ? (1 << 17) + (1 << 17) + (6 << 10) : 0; }

  Step step(std::string_view in, Ask ask, std::span<char> out) override {
    // zlib promises not to write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int how = ask == Ask::finish ? Z_FINISH : ask == Ask::flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    const int result = deflate(&stream_, how);
    Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
    step.failed = result == Z_STREAM_ERROR;
    if (ask == Ask::finish)
      step.done = result == Z_STREAM_END;
    else
      step.done = stream_.avail_in == 0 && stream_.avail_out > 0;
    return step;
  }

 private:
  void end() {
    if (std::exchange(made_, false)) deflateEnd(&stream_);
    stream_ = {};
  }

  z_stream stream_{};
  unsigned level_ = 0;
  bool made_ = false;
};

}  // namespace

std::unique_ptr<Context> make_gzip() { return std::make_unique<Gzip>(); }

}  // namespace gatehouse::compress
