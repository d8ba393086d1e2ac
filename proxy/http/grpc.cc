#include "proxy/http/grpc.h"

#include "proxy/http/local_reply.h"

namespace gatehouse::http {
namespace {

void put_percent_encoded(std::string_view text, HeadWriter& out) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out.put({&c, 1});
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.put("%");
    out.put(digits.substr(byte >> 4, 1));
    out.put(digits.substr(byte & 15, 1));
  }
}

}  // namespace

void put_grpc_status(int status, std::string_view detail, HeadWriter& out) {
  constexpr std::size_t detail_bytes_max = 512;
  out.field("grpc-status", grpc_status_of(status));
  out.put("grpc-message: ");
  out.put(static_cast<std::uint64_t>(status));
  out.put(" ");
  out.put(reason_phrase(status));
  if (!detail.empty()) {
    out.put(": ");
    put_percent_encoded(detail.substr(0, detail_bytes_max), out);
  }
  out.put("\r\n");
}

}  // namespace gatehouse::http
