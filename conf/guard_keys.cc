#include "conf/guard_keys.h"

#include "conf/forms.h"
#include "conf/service_keys.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

constexpr unsigned rate_most = 10'000;  // a second: a table's tick is a microsecond
constexpr Millis rate_period_most = 24h;
constexpr unsigned burst_most = 1'000'000;

Form<Rate> rate() {
  return plain<Rate>("rate", [](const std::string& text, const Reading&) { return parse_rate(text); }, rate_text);
}

Form<LimitKey> limit_key() {
  return plain<LimitKey>(
      "client, service, path, header:NAME, cookie:NAME",
      [](const std::string& text, const Reading&) { return parse_limit_key(text); }, limit_key_text);
}

Form<RateLimit> rate_limit() {
  return mapping<RateLimit>(
      "limit",
      {
          {"rate",
           &RateLimit::rate,
           rate(),
           "how many requests in how long, as in 5/s, 100/m or 300/10m; up to 10000 a second",
           {.required = true}},
          {"burst", &RateLimit::burst, number(0, burst_most),
           "how many more may come at once before the rate holds; what is not used comes back at the rate"},
          {"key", &RateLimit::key, list(limit_key()),
           "what is counted apart: the client's address, the service, the path, a header, a cookie; several together "
           "are one key. A request without that header or cookie is not counted"},
          {"delay", &RateLimit::delay, boolean(),
           "whether what is beyond the rate and within `burst` waits its turn, instead of passing at once"},
          {"mode", &RateLimit::mode, guard_mode(), "observe: refuses nobody, and counts whom it would have refused"},
          {"ipv4", &RateLimit::ipv4, number(8, 32), "of a client's IPv4 address so many bits count"},
          {"ipv6", &RateLimit::ipv6, number(16, 128),
           "of an IPv6 address so many; a household has a /64, an attacker often a /56 or /48"},
          {"except", &RateLimit::except, list(network()), "clients that it doesn't count"},
      });
}

Result<std::string> check_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || !is_token(name)) return invalid("write a name of letters, digits, - or _");
  return std::string(name);
}

}  // namespace

Form<GuardMode> guard_mode() {
  return choice<GuardMode>({{"observe", GuardMode::observe}, {"enforce", GuardMode::enforce}});
}

Form<Guard> guard() {
  return mapping<Guard>(
      "node",
      {
          {"rate_limits", &Guard::rate_limits, named("NAME", rate_limit(), check_name),
           "limits that routes name by `rate_limit=NAME`, or `guard.rate_limit` for all requests"},
          {"rate_limit", &Guard::rate_limit, list(word()),
           "limits that hold for every request, before its route is looked for; they count by client, header or "
           "cookie"},
          {"limit_keys",
           &Guard::limit_keys,
           number(1024, 64u << 20),
           "keys that limits remember at once, 8 bytes each; beyond, the one that owes least is forgotten",
           {.at_start = true}},
          {"ignoreip", &Guard::ignoreip, list(network()),
           "who is never banned by a jail; nor are `trusted_proxies`, senders of PROXY headers and endpoints"},
          {"ignoreself", &Guard::ignoreself, boolean(), "nor this machine's own addresses"},
          {"crawlers", &Guard::crawlers,
           list(one_of({"googlebot", "bingbot", "applebot", "duckduckbot", "yandex", "baiduspider", "seznambot",
                        "petalbot"})),
           "crawlers of search engines that are never banned by a jail, once the DNS has confirmed who they are"},
          {"resolver",
           &Guard::resolver,
           server_or_empty(),
           "whom the DNS is asked about crawlers",
           {.fallback = "the system's"}},
          {"defaults", &Guard::defaults, jail(true), "what holds for jails that don't say otherwise"},
          {"jails", &Guard::jails, named("NAME", jail(false), check_name),
           "what is counted, and who is banned for it"},
          {"bans",
           &Guard::bans,
           number(1024, 8u << 20),
           "bans at once, 64 bytes each; beyond, the one that ends soonest ends early",
           {.at_start = true}},
          {"offenders", &Guard::offenders, number(64, 8u << 20),
           "offenders whose events a jail counts at once, 16 bytes and 8 for each of `maxretry`; beyond, the one "
           "that was quiet longest is forgotten"},
          {"dbpurgeage", &Guard::dbpurgeage, duration(0ms, 365 * 24h),
           "how long a ban is remembered after its end and twice its time: so that the next one is longer"},
      });
}

Result<Rate> parse_rate(std::string_view text) {
  const auto wrong = [&] {
    return invalid(std::string(text) + ": write a rate as in 5/s, 100/m or 300/10m, up to 10000/s, over 1d at most");
  };
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return wrong();
  const Result<unsigned> count = parse_number(text.substr(0, slash), 1, 1'000'000'000);
  std::string period(text.substr(slash + 1));
  if (!period.empty() && (period[0] < '0' || period[0] > '9')) period.insert(0, "1");
  const Result<Millis> per = parse_duration(period);
  if (!count || !per || *per <= 0ms || *per > rate_period_most) return wrong();
  if (std::uint64_t{*count} * 1000 > static_cast<std::uint64_t>(per->count()) * rate_most) return wrong();
  return Rate{*count, *per};
}

std::string rate_text(const Rate& rate) {
  const std::string per = duration_text(rate.per);
  const bool single = per.size() == 2 && per[0] == '1';  // 1s, 1m, 1h, 1d
  return std::to_string(rate.count) + "/" + (single ? per.substr(1) : per);
}

Result<LimitKey> parse_limit_key(std::string_view text) {
  using Part = LimitKey::Part;
  if (text == "client") return LimitKey{Part::client, {}};
  if (text == "service") return LimitKey{Part::service, {}};
  if (text == "path") return LimitKey{Part::path, {}};
  for (const auto& [prefix, part] : {std::pair{std::string_view("header:"), Part::header}, {"cookie:", Part::cookie}})
    if (text.starts_with(prefix) && is_token(text.substr(prefix.size())))
      return LimitKey{part, std::string(text.substr(prefix.size()))};
  return invalid(std::string(text) + ": write client, service, path, header:NAME or cookie:NAME");
}

std::string limit_key_text(const LimitKey& key) {
  switch (key.part) {
    case LimitKey::Part::client: return "client";
    case LimitKey::Part::service: return "service";
    case LimitKey::Part::path: return "path";
    case LimitKey::Part::header: return "header:" + key.name;
    case LimitKey::Part::cookie: return "cookie:" + key.name;
  }
  return {};
}

}  // namespace gatehouse::conf
