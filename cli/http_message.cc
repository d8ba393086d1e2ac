#include "cli/http_message.h"

#include <algorithm>

#include "net/encoding.h"
#include "proxy/http/bytes.h"

namespace gatehouse::cli {
namespace {

// An escape that is none is left as it stands, with all of its part.
std::string decoded(std::string_view text) { return percent_decoded(text).value_or(std::string(text)); }

}  // namespace

void split_target(std::string_view target, HttpRequest& into) {
  const auto question = target.find('?');
  into.path = std::string(target.substr(0, question));
  if (question == std::string_view::npos) return;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    into.query[decoded(pair.substr(0, equals))] = equals < pair.size() ? decoded(pair.substr(equals + 1)) : "";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (http::is(c, http::unreserved_byte)) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace gatehouse::cli
