// Authorization and traceparent, as strangers send them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/encoding.h"
#include "proxy/auth/credentials.h"
#include "proxy/http/trace_context.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto told = auth::Credentials::read(text)) {
    if (told->name().empty() || told->name().find(':') != std::string_view::npos) std::abort();
    const std::string again = "Basic " + base64(std::string(told->name()) + ":" + std::string(told->password()));
    const auto same = auth::Credentials::read(again);
    if (!same || same->name() != told->name() || same->password() != told->password()) std::abort();
  }
  const std::string_view id = http::trace_id(text);
  if (!id.empty() && (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string_view::npos))
    std::abort();
  return 0;
}
