#include <algorithm>
#include <cstdlib>

#include <brotli/encode.h>

#include "proxy/compress/contexts.h"

namespace gatehouse::compress {
namespace {

constexpr std::uint32_t window_bits = 18;  // 256 KiB: what a page wants, and a quarter of the usual memory

// An encoder can't begin anew: each body has its own. Its memory is counted block by block.
class Brotli final : public Context {
 public:
  Brotli() = default;
  Brotli(const Brotli&) = delete;
  ~Brotli() override { end(); }

  bool begin(unsigned level, std::optional<std::uint64_t> size) override {
    end();
    begun_bytes_ = (4u << 20) + (level > 5 ? 2u << 20 << (level - 5) : 0);
    encoder_ = BrotliEncoderCreateInstance(&take, &give, &bytes_);
    if (encoder_ == nullptr) return false;
    BrotliEncoderSetParameter(encoder_, BROTLI_PARAM_QUALITY, level);
    BrotliEncoderSetParameter(encoder_, BROTLI_PARAM_LGWIN, window_bits);
    if (size) {
      const auto hint = static_cast<std::uint32_t>(std::min(*size, hint_most));
      BrotliEncoderSetParameter(encoder_, BROTLI_PARAM_SIZE_HINT, hint);
    }
    return true;
  }

  void idle() override { end(); }

  // It takes its memory as the first bytes come: the tables of levels above 5 double with each.
  std::size_t bytes() const override { return encoder_ == nullptr ? 0 : std::max(bytes_, begun_bytes_); }

  Step step(std::string_view in, Ask ask, std::span<char> out) override {
    std::size_t in_left = in.size(), out_left = out.size();
    const auto* from = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    const BrotliEncoderOperation how = ask == Ask::finish  ? BROTLI_OPERATION_FINISH
                                       : ask == Ask::flush ? BROTLI_OPERATION_FLUSH
                                                           : BROTLI_OPERATION_PROCESS;
    const bool good =
        BrotliEncoderCompressStream(encoder_, how, &in_left, &from, &out_left, &to, nullptr) == BROTLI_TRUE;
    Step step{in.size() - in_left, out.size() - out_left};
    step.failed = !good;
    step.done = in_left == 0 && BrotliEncoderHasMoreOutput(encoder_) == BROTLI_FALSE;
    return step;
  }

 private:
  static constexpr std::uint64_t hint_most = (1 << 20) - 1;  // beyond, level 4 takes a table of 4 MiB
  struct alignas(std::max_align_t) Block {
    std::size_t size;
  };

  static void* take(void* count, std::size_t size) {
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size));
    if (block == nullptr) return nullptr;
    block->size = size;
    *static_cast<std::size_t*>(count) += size;
    return block + 1;
  }
  static void give(void* count, void* memory) {
    if (memory == nullptr) return;
    auto* block = static_cast<Block*>(memory) - 1;
    *static_cast<std::size_t*>(count) -= block->size;
    std::free(block);
  }
  void end() {
    if (encoder_ != nullptr) BrotliEncoderDestroyInstance(std::exchange(encoder_, nullptr));
  }

  std::size_t bytes_ = 0, begun_bytes_ = 0;
  BrotliEncoderState* encoder_ = nullptr;
};

}  // namespace

std::unique_ptr<Context> make_brotli() { return std::make_unique<Brotli>(); }

}  // namespace gatehouse::compress
