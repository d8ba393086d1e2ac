#include "acme/url.h"

#include <algorithm>

namespace gatehouse::acme {

Result<Url> read_url(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!text.starts_with(scheme) || text.size() > Url::bytes_most || !plain)
    return invalid("\"" + std::string(text.substr(0, 200)) + "\" is no https URL");
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?", scheme.size()), text.size());
  if (text.substr(0, end).find('@') != text.npos)
    return invalid("\"" + std::string(text.substr(0, 200)) + "\" names a user, which no CA's URL does");
  Result<HttpPlace> place = HttpPlace::parse(text.substr(0, end), 80, 443);
  if (!place) return place.error();
  Url out{std::move(*place), std::string(text.substr(end))};
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

}  // namespace gatehouse::acme
