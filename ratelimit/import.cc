#include "ratelimit/import.h"

#include <algorithm>

#include "conf/guard_presets.h"
#include "conf/values.h"
#include "conf/words.h"
#include "ratelimit/limits.h"

namespace gatehouse::ratelimit {
namespace {

using conf::Severity;

struct Known {
  std::string_view name;
  Severity severity;  // note: it makes no difference here; error: its jail can't be carried
  std::string_view word;
};

constexpr std::string_view no_log = "no log is read here",
                           no_firewall = "bans are the door's own: there is no firewall",
                           no_mail = "no mails are sent; bans are in `gatehouse history` and the events log";

// Besides those that are carried.
constexpr Known known_options[] = {
    {"logpath", Severity::note, no_log},
    {"backend", Severity::note, no_log},
    {"journalmatch", Severity::note, no_log},
    {"datepattern", Severity::note, no_log},
    {"logencoding", Severity::note, no_log},
    {"logtimezone", Severity::note, no_log},
    {"maxlines", Severity::note, no_log},
    {"skip_if_nologs", Severity::note, no_log},
    {"systemd_if_nologs", Severity::note, no_log},
    {"usedns", Severity::note, "clients are addresses here; names are never looked up"},
    {"maxmatches", Severity::note, "the last 16 events of an offender are kept"},
    {"ignorecache", Severity::note, "nothing is asked that would have to be remembered"},
    {"fail2ban_agent", Severity::note, "nobody is told"},
    {"chain", Severity::note, no_firewall},
    {"protocol", Severity::note, no_firewall},
    {"port", Severity::warning, "a ban holds for all that the door serves, and for that alone"},
    {"banaction", Severity::warning, no_firewall},
    {"banaction_allports", Severity::warning, no_firewall},
    {"action", Severity::warning, "what a ban does says `action`: 403, 429, close or drop; nothing is run"},
    {"destemail", Severity::warning, no_mail},
    {"sender", Severity::warning, no_mail},
    {"mta", Severity::warning, no_mail},
    {"mode", Severity::warning,
     "presets have no modes: look at the filter, and write your own where it should count more"},
    {"bantime.formula", Severity::warning, "a program is not taken; write bantime.multipliers"},
    {"bantime.factor", Severity::warning, "there is no factor; write bantime.multipliers"},
    {"bantime.overalljails", Severity::warning, "offences of all jails count together"},
    {"ignorecommand", Severity::warning, "no command is run; write addresses in guard.ignoreip"},
    {"ignoreregex", Severity::warning, "lines are not looked at; write `unless`"},
    {"failregex", Severity::error, "lines are not looked at; write a `filter` over fields of the request"},
    {"prefregex", Severity::error, "lines are not looked at; write a `filter` over fields of the request"},
};

constexpr std::string_view carried_options[] = {"enabled",
                                                "filter",
                                                "maxretry",
                                                "findtime",
                                                "bantime",
                                                "bantime.increment",
                                                "bantime.multipliers",
                                                "bantime.maxtime",
                                                "bantime.rndtime",
                                                "ignoreip",
                                                "ignoreself"};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t\n,", at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t\n,", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

// "600", "10m", "1d12h", "1 hour"; minus: for ever. A month has 30.4375 days, a year 365.25.
std::optional<Millis> read_time(const std::string& text) {
  static constexpr struct {
    std::string_view name;
    double seconds;
  } units[] = {{"s", 1},        {"sec", 1},        {"second", 1},    {"m", 60},       {"mi", 60},
               {"min", 60},     {"minute", 60},    {"h", 3600},      {"hour", 3600},  {"d", 86400},
               {"day", 86400},  {"w", 604800},     {"week", 604800}, {"mo", 2629800}, {"month", 2629800},
               {"y", 31557600}, {"year", 31557600}};
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.starts_with('-')) return conf::Jail::forever;
  double seconds = 0;
  std::size_t at = 0, parts = 0;
  while ((at = text.find_first_not_of(' ', at)) != text.npos) {
    double number = 0;
    const std::size_t begin = at;
    for (; at < text.size() && is_digit(text[at]); ++at) number = number * 10 + (text[at] - '0');
    if (at == begin || at - begin > 12 || ++parts > 8) return std::nullopt;
    at = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t word = at;
    while (at < text.size() && !is_digit(text[at]) && text[at] != ' ') ++at;
    std::string unit = text.substr(word, at - word);
    if (unit.size() > 3 && unit.ends_with('s')) unit.pop_back();
    if (unit.empty()) unit = "s";
    const auto known =
        std::find_if(std::begin(units), std::end(units), [&](const auto& each) { return each.name == unit; });
    if (known == std::end(units)) return std::nullopt;
    seconds += number * known->seconds;
  }
  if (parts == 0 || seconds > 1e10) return std::nullopt;
  return Millis(static_cast<std::int64_t>(seconds * 1000));
}

std::optional<bool> read_switch(const std::string& text) {
  for (const char* yes : {"true", "1", "yes", "on", "True"})
    if (text == yes) return true;
  for (const char* no : {"false", "0", "no", "off", "False"})
    if (text == no) return false;
  return std::nullopt;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char small = static_cast<char>(c | 0x20);
    return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// fail2ban takes what stands behind the length's bits as well: 127.0.0.1/8.
std::optional<IpPrefix> read_network(const std::string& text) {
  if (const auto exact = IpPrefix::parse(text)) return *exact;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address || slash == text.size()) return std::nullopt;
  const auto length = conf::parse_number(text.substr(slash + 1), 0, address->is_v4() ? 32 : 128);
  if (!length) return std::nullopt;
  const unsigned whole = address->is_v4() ? 96 + *length : *length;
  return IpPrefix{masked(*address, *length, *length), static_cast<std::uint8_t>(whole)};
}

class Import {
 public:
  Import(const Fail2banConf& from, const std::string& file) : from_(from), file_(file) {
    out_.findings = from.findings;
  }

  Imported run() {
    take_options(from_.defaults, out_.guard.defaults);
    for (const Fail2banSection& section : from_.sections)
      section.name == "INCLUDES" ? take_includes(section) : take_jail(section);
    auto& networks = out_.guard.ignoreip;
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
    return std::move(out_);
  }

 private:
  void say(const Fail2banSection& section, unsigned line, std::string_view option, Severity severity,
           std::string what) {
    const std::string path = section.name + (option.empty() ? "" : "." + std::string(option));
    out_.findings.push_back({{file_, line, 1}, path, std::move(what), severity});
    if (severity == Severity::error) failed_ = true;
  }

  void take_includes(const Fail2banSection& section) {
    for (const Fail2banOption& option : section.options)
      say(section, option.line, option.name, Severity::warning, option.value + ": this file is not read");
  }

  void take_jail(const Fail2banSection& section) {
    const Fail2banOption* on = section.find("enabled");
    if (on == nullptr) on = from_.defaults.find("enabled");
    const auto text = on != nullptr ? from_.expand(on->value, section) : std::nullopt;
    if (!text || read_switch(*text) != true) {
      ++out_.off;
      return say(section, section.line, "", Severity::note, "is not enabled in this file, and not carried");
    }
    failed_ = false;
    if (!is_name(section.name))
      say(section, section.line, "", Severity::error, "a jail's name has letters, digits, - and _ alone here");
    conf::Jail jail;
    jail.preset = preset_of(section);
    jail.mode = conf::GuardMode::enforce;
    take_options(section, jail);
    if (failed_ || jail.preset.empty()) return void(++out_.refused);
    ++out_.carried;
    out_.guard.jails.emplace(section.name, std::move(jail));
  }

  // Empty: there is none.
  std::string preset_of(const Fail2banSection& section) {
    const Fail2banOption* filter = section.find("filter");
    const auto text = filter != nullptr ? from_.expand(filter->value, section) : section.name;
    const std::string name = text ? text->substr(0, text->find_first_of("[ \t\n")) : std::string();
    const unsigned line = filter != nullptr ? filter->line : section.line;
    if (conf::find_preset(name) == nullptr) {
      say(section, line, "filter", Severity::error,
          conf::printable(name, 64) +
              ": there is no preset of this name, so the jail is not carried; what is no "
              "request to the door stays fail2ban's, else write a `filter`");
      return {};
    }
    if (text->find('[') != text->npos)
      say(section, line, "filter", Severity::warning, *text + ": presets have no parameters");
    return name;
  }

  void take_options(const Fail2banSection& section, conf::Jail& into) {
    for (const Fail2banOption& option : section.options) {
      if (section.find(option.name) != &option) {
        say(section, option.line, option.name, Severity::note, "is said again below, and that counts");
        continue;
      }
      if (std::find(std::begin(carried_options), std::end(carried_options), option.name) !=
          std::end(carried_options)) {
        take_option(section, option, into);
        continue;
      }
      const auto known = std::find_if(std::begin(known_options), std::end(known_options),
                                      [&](const Known& each) { return each.name == option.name; });
      if (known != std::end(known_options))
        say(section, option.line, option.name, known->severity, std::string(known->word));
      else
        say(section, option.line, option.name, Severity::warning,
            "is no option of a jail that is known; not carried");
    }
  }

  void take_option(const Fail2banSection& section, const Fail2banOption& option, conf::Jail& into) {
    const auto text = from_.expand(option.value, section);
    const auto wrong = [&](const char* what) {
      say(section, option.line, option.name, Severity::error,
          conf::printable(text ? *text : option.value, 64) + what);
    };
    if (!text) return wrong(": says something that stands in another file; write it out");
    const std::string& name = option.name;
    if (name == "enabled" || name == "filter") return;  // read above
    if (name == "ignoreip") return take_ignored(section, option, *text);
    if (name == "ignoreself" || name == "bantime.increment") {
      const auto on = read_switch(*text);
      if (!on) return wrong(": write true or false");
      if (name == "bantime.increment") return void(into.increment = *on);
      if (&section != &from_.defaults)
        return say(section, option.line, name, Severity::warning, "holds for all jails here: guard.ignoreself");
      out_.guard.ignoreself = *on;
      return;
    }
    if (name == "maxretry" || name == "bantime.multipliers") {
      for (const std::string& word : words_of(*text)) {
        const auto number = conf::parse_number(word, 1, name == "maxretry" ? 1000 : 1'000'000);
        if (!number)
          return wrong(name == "maxretry" ? ": a number from 1 to 1000 is taken here"
                                          : ": numbers from 1 are taken here");
        name == "maxretry" ? void(into.maxretry = *number) : into.multipliers.push_back(*number);
      }
      return;
    }
    take_time(section, option, *text, into);
  }

  void take_time(const Fail2banSection& section, const Fail2banOption& option, const std::string& text,
                 conf::Jail& into) {
    const auto time = read_time(text);
    const bool may_be_forever = option.name == "bantime";
    const Millis most = option.name == "findtime"          ? Millis(30 * 24h)
                        : option.name == "bantime.rndtime" ? Millis(24h)
                                                           : Millis(3650 * 24h);
    const Millis least = option.name == "bantime.rndtime" ? 0ms : 1000ms;
    if (!time || (*time == conf::Jail::forever ? !may_be_forever : *time < least || *time > most))
      return say(section, option.line, option.name, Severity::error,
                 conf::printable(text, 64) + ": a time up to " + conf::duration_text(most) + " is taken here");
    if (option.name == "findtime") into.findtime = *time;
    if (option.name == "bantime") into.bantime = *time;
    if (option.name == "bantime.maxtime") into.maxtime = *time;
    if (option.name == "bantime.rndtime") into.rndtime = *time;
  }

  void take_ignored(const Fail2banSection& section, const Fail2banOption& option, const std::string& text) {
    for (const std::string& word : words_of(text)) {
      const auto network = read_network(word);
      if (network)
        out_.guard.ignoreip.push_back(*network);
      else
        say(section, option.line, option.name, Severity::warning,
            conf::printable(word, 64) + ": names and files are not taken; write its addresses in guard.ignoreip");
    }
    if (&section != &from_.defaults)
      say(section, option.line, option.name, Severity::warning, "holds for all jails here: guard.ignoreip");
  }

  const Fail2banConf& from_;
  const std::string& file_;
  Imported out_;
  bool failed_ = false;
};

}  // namespace

Imported import_fail2ban(const Fail2banConf& from, const std::string& file) { return Import(from, file).run(); }

}  // namespace gatehouse::ratelimit
