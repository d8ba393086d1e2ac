#include "conf/auth.h"

#include <algorithm>

#include "conf/words.h"
#include "net/http_place.h"

namespace gatehouse::conf {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

bool is_url(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

// What is wrong with a line; empty: it is a login, or says nothing.
std::string read_line(std::string_view line, PasswordFile& into) {
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  if (line.empty() || line.starts_with('#')) return {};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return "write NAME:HASH";
  const std::string name(line.substr(0, colon));
  std::string_view hash = line.substr(colon + 1);
  hash = hash.substr(0, hash.find(':'));  // what follows are remarks
  if (!check_plain(name)) return "the name holds a control character";
  if (!is_known_hash(hash))
    return printable(name, 64) + ": the hash is of no kind that is safe; make it anew by htpasswd -B";
  into.logins.push_back({name, std::string(hash)});
  return {};
}

}  // namespace

const Login* AuthPolicy::find(std::string_view name) const {
  const auto at =
      std::ranges::lower_bound(logins, name, {}, [](const Login& each) { return std::string_view(each.name); });
  return at != logins.end() && at->name == name ? &*at : nullptr;
}

Result<std::string> check_auth_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, is_name_character))
    return invalid(std::string(name) + ": write a name of letters, digits, dots, - and _");
  return std::string(name);
}

Result<std::string> parse_auth(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view what = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if ((kind != "basic" && kind != "forward") || what.empty())
    return invalid(std::string(text) + ": write basic:NAME, forward:NAME or forward:URL");
  if (kind == "forward" && is_url(what)) {
    if (const Result<AuthUrl> url = parse_auth_url(what); !url) return url.error();
  } else if (const Result<std::string> name = check_auth_name(what); !name) {
    return name;
  }
  return std::string(text);
}

Result<AuthUrl> parse_auth_url(std::string_view url) {
  const auto wrong = [&] { return invalid(std::string(url) + ": write the URL as in http://127.0.0.1:4181/verify"); };
  if (!is_url(url) || url.size() > 1024 || url.find('#') != std::string_view::npos) return wrong();
  for (const char c : url)
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\') return wrong();
  const std::size_t begin = url.find("://") + 3;
  const std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  const Result<HttpPlace> place = HttpPlace::parse(url.substr(0, end), 80, 443);
  if (!place || place->host.empty()) return wrong();
  AuthUrl out{.tls = place->tls, .host = place->host, .port = place->port};
  out.authority = url.substr(begin, end - begin);
  out.target = url.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

bool is_known_hash(std::string_view hash) {
  constexpr std::string_view kinds[] = {"$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$1$", "$apr1$", "{SHA}"};
  if (hash.size() < 20 || hash.size() > 256) return false;
  return std::ranges::any_of(kinds, [&](std::string_view kind) { return hash.starts_with(kind); }) &&
         std::ranges::all_of(hash, [](char c) { return c > ' ' && c < 0x7f; });
}

PasswordFile parse_password_file(std::string_view text) {
  constexpr std::size_t wrong_told_max = 10;
  PasswordFile out;
  std::size_t number = 0;
  for (const std::string_view line : split_list(text, '\n')) {
    ++number;
    std::string wrong = read_line(line, out);
    if (out.logins.size() > PasswordFile::logins_max) {
      out.logins.pop_back();
      out.wrong.push_back("more than " + std::to_string(PasswordFile::logins_max) + " names: the rest is left out");
      break;
    }
    if (wrong.empty() || out.wrong.size() == wrong_told_max) continue;
    out.wrong.push_back("line " + std::to_string(number) + ": " + wrong);
  }
  // The first of a name counts, as with nginx.
  std::ranges::stable_sort(out.logins, {}, &Login::name);
  const auto twice = std::ranges::unique(out.logins, {}, &Login::name);
  out.logins.erase(twice.begin(), twice.end());
  return out;
}

}  // namespace gatehouse::conf
