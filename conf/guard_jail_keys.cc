// The key table of jails: fail2ban's words, and filters over the fields of an event.
#include <re2/re2.h>

#include "conf/forms.h"
#include "conf/guard_keys.h"
#include "conf/guard_presets.h"
#include "conf/service_form.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

constexpr unsigned maxretry_most = 1000;
constexpr std::int64_t regex_memory = 1 << 20;

Form<Millis> ban_time() {
  Form<Millis> form = duration(1000ms, 3650 * 24h);
  const Form<Millis> span = form;
  form.value += ", forever";
  form.read = [span](const Yaml& yaml, Millis& into, Reading& reading) {
    if (yaml.kind == Yaml::Kind::scalar && yaml.text == "forever") return void(into = Jail::forever);
    span.read(yaml, into, reading);
  };
  form.write = [span](const Millis& from, const Millis* unless) {
    return from == Jail::forever ? Yaml::scalar("forever") : span.write(from, unless);
  };
  return form;
}

Form<BanAction> action() {
  return choice<BanAction>({{"403", BanAction::forbid},
                            {"429", BanAction::too_many},
                            {"close", BanAction::close},
                            {"drop", BanAction::drop}});
}

Form<std::string> pattern() {
  return plain<std::string>(
      "text, ~REGEX",
      [](const std::string& text, const Reading&) -> Result<std::string> {
        if (text.empty()) return invalid("an empty value; write a text, or ~ and a regular expression");
        if (text[0] != '~') return text;
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(regex_memory);
        const RE2 regex(text.substr(1), options);
        return regex.ok() ? Result(text) : invalid(printable(text) + ": " + regex.error());
      },
      [](const std::string& text) { return text; });
}

Form<std::string> preset() {
  return plain<std::string>(
      "preset",
      [](const std::string& text, const Reading&) -> Result<std::string> {
        if (find_preset(text) != nullptr) return text;
        std::vector<std::string_view> known;
        for (const Preset& each : presets()) known.push_back(each.name);
        return invalid(text + ": there is no such preset" + did_you_mean(nearest(text, known)));
      },
      [](const std::string& text) { return text; });
}

Result<std::string> check_event_field(std::string_view name) {
  if (is_event_field(name)) return std::string(name);
  return invalid(std::string(name) + ": write one of " + event_fields_text());
}

Form<std::string> event_field() {
  return plain<std::string>(
      "field", [](const std::string& text, const Reading&) { return check_event_field(text); },
      [](const std::string& text) { return text; });
}

std::vector<Key<Jail>> terms() {
  return {
      {"mode",
       &Jail::mode,
       maybe(guard_mode()),
       "observe: bans nobody, and tells whom it would have banned",
       {.fallback = "observe"}},
      {"findtime",
       &Jail::findtime,
       maybe(duration(100ms, 30 * 24h)),
       "the time within which events are counted",
       {.fallback = "10m"}},
      {"maxretry",
       &Jail::maxretry,
       maybe(number(1, maxretry_most)),
       "the event that bans, counted within `findtime`",
       {.fallback = "5"}},
      {"bantime", &Jail::bantime, maybe(ban_time()), "for how long", {.fallback = "10m"}},
      {"bantime.increment",
       &Jail::increment,
       maybe(boolean()),
       "whether who was banned before is banned longer: twice as long with each time",
       {.fallback = "false"}},
      {"bantime.multipliers",
       &Jail::multipliers,
       list(number(1, 1'000'000)),
       "instead of doubling, `bantime` times these, one after the other; the last one stays",
       {.fallback = "none"}},
      {"bantime.maxtime",
       &Jail::maxtime,
       maybe(duration(1000ms, 3650 * 24h)),
       "the longest that `bantime.increment` makes of it",
       {.fallback = "none"}},
      {"bantime.rndtime",
       &Jail::rndtime,
       maybe(duration(0ms, 24h)),
       "up to so much is added by chance, lest an end be foreseen",
       {.fallback = "0"}},
      {"action",
       &Jail::action,
       maybe(action()),
       "403 and 429 answer with the ban's id; close ends the connection without a word; drop does so at accept, "
       "before "
       "TLS",
       {.fallback = "403"}},
      {"ipv4", &Jail::ipv4, maybe(number(8, 32)), "of an IPv4 address so many bits are banned", {.fallback = "32"}},
      {"ipv6", &Jail::ipv6, maybe(number(16, 128)), "of an IPv6 address so many", {.fallback = "64"}},
  };
}

}  // namespace

Form<Jail> jail(bool of_defaults) {
  std::vector<Key<Jail>> keys = terms();
  if (of_defaults) return mapping<Jail>("jail", std::move(keys));
  const Form<FilterFields> fields = named("FIELD", list(pattern()), check_event_field);
  keys.insert(
      keys.begin(),
      {
          {"preset", &Jail::preset, preset(), "a jail that is known by name; what is said here changes it"},
          {"filter", &Jail::filter, fields,
           "what counts: each field named here must be one of its values; ~ begins an RE2 regular expression, "
           "which may match anywhere"},
          {"unless", &Jail::unless, fields, "what doesn't, if all of this holds"},
          {"services",
           &Jail::services,
           list(service_name()),
           "only what comes to these services counts",
           {.fallback = "all of them"}},
          {"distinct",
           &Jail::distinct,
           maybe(event_field()),
           "counts only events whose value of this field was not seen within `findtime`",
           {.fallback = "none"}},
      });
  return mapping<Jail>("jail", std::move(keys));
}

}  // namespace gatehouse::conf
