#include <zstd.h>

#include "proxy/compress/contexts.h"

namespace gatehouse::compress {
namespace {

constexpr int window_log = 18;  // 256 KiB; clients must take 8 MiB (RFC 9659)

class Zstd final : public Context {
 public:
  Zstd() : context_(ZSTD_createCCtx()) {}
  Zstd(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  bool begin(unsigned level, std::optional<std::uint64_t> size) override {
    if (context_ == nullptr) return false;
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters);
    return good(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, static_cast<int>(level))) &&
           good(ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, window_log)) &&
           good(ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, hash_log)) &&
           good(ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, chain_log)) &&
           (!size || good(ZSTD_CCtx_setPledgedSrcSize(context_, *size)));
  }

  // It takes its memory as the first bytes come.
  std::size_t bytes() const override {
    return context_ == nullptr ? 0 : std::max(ZSTD_sizeof_CCtx(context_), begun_bytes);
  }

  Step step(std::string_view in, Ask ask, std::span<char> out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const ZSTD_EndDirective how = ask == Ask::finish  ? ZSTD_e_end
                                  : ask == Ask::flush ? ZSTD_e_flush
                                                      : ZSTD_e_continue;
    const std::size_t left = ZSTD_compressStream2(context_, &to, &from, how);
    Step step{from.pos, to.pos};
    step.failed = !good(left);
    step.done = from.pos == from.size && (ask == Ask::more ? to.pos < to.size : left == 0);
    return step;
  }

 private:
  static constexpr std::size_t begun_bytes = 4 << 20;
  static constexpr int hash_log = 16, chain_log = 16;
  static bool good(std::size_t result) { return ZSTD_isError(result) == 0; }

  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Context> make_zstd() { return std::make_unique<Zstd>(); }

}  // namespace gatehouse::compress
