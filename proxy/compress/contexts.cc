#include "proxy/compress/contexts.h"

#include <utility>

#include "net/frame_pool.h"

namespace gatehouse::compress {
namespace {

std::unique_ptr<Context> make(conf::ContentCoding coding) {
  switch (coding) {
    case conf::ContentCoding::gzip: return make_gzip();
    case conf::ContentCoding::brotli: return make_brotli();
    case conf::ContentCoding::zstd: break;
  }
  return make_zstd();
}

}  // namespace

// A context on loan: goes back when its body is over.
class Contexts::Lent final : public BodyFilter, public Pooled {
 public:
  Lent(Contexts& home, conf::ContentCoding coding, std::unique_ptr<Context> context, std::size_t counted)
      : home_(home), coding_(coding), context_(std::move(context)), counted_(counted) {}
  ~Lent() override { home_.give(coding_, std::move(context_), counted_); }
  Step step(std::string_view in, Ask ask, std::span<char> out) override { return context_->step(in, ask, out); }

 private:
  Contexts& home_;
  conf::ContentCoding coding_;
  std::unique_ptr<Context> context_;
  std::size_t counted_;
};

BodyFilterPtr Contexts::take(conf::ContentCoding coding, unsigned level, std::optional<std::uint64_t> size) {
  if (out_ >= most_) return nullptr;
  auto& kept = kept_[static_cast<std::size_t>(coding)];
  std::unique_ptr<Context> context;
  if (kept.empty()) {
    context = make(coding);
  } else {
    context = std::move(kept.back());
    kept.pop_back();
    bytes_ -= context->bytes();
  }
  if (!context->begin(level, size)) return nullptr;
  const std::size_t counted = context->bytes();
  bytes_ += counted;
  ++out_;
  return std::make_unique<Lent>(*this, coding, std::move(context), counted);
}

void Contexts::give(conf::ContentCoding coding, std::unique_ptr<Context> context, std::size_t counted) {
  --out_;
  bytes_ -= counted;
  auto& kept = kept_[static_cast<std::size_t>(coding)];
  if (kept.size() >= kept_most) return;
  context->idle();
  bytes_ += context->bytes();
  kept.push_back(std::move(context));
}

void Contexts::clear_kept() {
  for (auto& kept : kept_) {
    for (const auto& context : kept) bytes_ -= context->bytes();
    kept.clear();
  }
}

}  // namespace gatehouse::compress
