#include "proxy/route/redirect_url.h"

#include <algorithm>

namespace gatehouse::route {
namespace {

std::string_view without_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');  // "[2001:db8::1]": its colons are no port's
  if (colon == authority.npos || (bracket != authority.npos && colon < bracket)) return authority;
  return authority.substr(0, colon);
}

bool fit_for_a_field(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

}  // namespace

Result<std::string> expand_redirect(std::string_view url, const RedirectRequest& request) {
  if (!request.path.starts_with('/')) return invalid("no redirect for the target " + std::string(request.path));
  std::string out;
  bool query_said = url.find('?') != url.npos;
  for (auto rest = url; !rest.empty();) {
    const auto dollar = std::min(rest.find('$'), rest.size());
    out += rest.substr(0, dollar);
    rest.remove_prefix(dollar);
    if (rest.starts_with("$scheme")) {
      out += request.scheme;
      rest.remove_prefix(7);
    } else if (rest.starts_with("$host")) {
      out += without_port(request.host);
      rest.remove_prefix(5);
    } else if (rest.starts_with("$path")) {
      out += request.path;
      rest.remove_prefix(5);
    } else if (rest.starts_with("$query")) {
      out += request.query;
      query_said = true;
      rest.remove_prefix(6);
    } else if (!rest.empty()) {
      out += '$';
      rest.remove_prefix(1);
    }
  }
  // In front, "//x" or "/\\x" would name a host to the browser.
  if (url.starts_with("$path")) out.replace(0, std::min(out.find_first_not_of("/\\"), out.size()), "/");
  if (!query_said && !request.query.empty()) (out += '?') += request.query;
  if (out.ends_with('?')) out.pop_back();
  if (!fit_for_a_field(out)) return invalid("the redirect would hold a control byte or a space");

  std::string itself(request.path);
  if (!request.query.empty()) (itself += '?') += request.query;
  const auto origin = std::string(request.scheme) + "://" + std::string(request.host);
  if (out == itself || out == origin + itself) return invalid("the redirect leads back to itself");
  return out;
}

}  // namespace gatehouse::route
