// gatehouse guard test: rules tried on logs.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <limits>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/text.h"
#include "conf/guard_check.h"
#include "conf/guard_presets.h"
#include "conf/reader_io.h"
#include "conf/values.h"
#include "ratelimit/replay.h"

namespace gatehouse::cli {
namespace {

using ratelimit::LoggedEvent;
using ratelimit::ReplayedBan;

constexpr std::size_t shown_max = 1000;

struct Counts {
  std::uint64_t lines = 0, events = 0, unread = 0, first_unread = 0;
  std::int64_t begin_ms = 0, end_ms = 0;
  bool own = false, combined = false;
};

using Replays = std::vector<std::unique_ptr<ratelimit::Replay>>;

// Nothing: stderr says why.
std::optional<conf::Config> read_rules(const std::string& file) {
  conf::ReadConfig read = conf::read_config(file, conf::surroundings_of_process(file));
  if (!conf::has_error(read.findings)) conf::add_findings(read.findings, conf::check_guard(read.config));
  conf::place(read.findings, read.positions);
  for (const conf::Finding& each : read.findings) std::cerr << printable(each.text()) << "\n";
  if (conf::has_error(read.findings)) return std::nullopt;
  if (!read.config.guard.jails.empty()) return std::move(read.config);
  std::cerr << printable(file) << ": guard.jails: there is none, so nobody would be banned\n";
  return std::nullopt;
}

std::unique_ptr<ratelimit::Replay> replay_of(const conf::Config& config) {
  std::vector<IpPrefix> spared = config.trusted_proxies;
  for (const conf::Listen& listen : config.listen)
    spared.insert(spared.end(), listen.proxy_protocol.begin(), listen.proxy_protocol.end());
  return std::make_unique<ratelimit::Replay>(config.guard, std::move(spared));
}

void take_line(std::string_view line, Counts& counts, Replays& replays) {
  ++counts.lines;
  if (line.empty()) return;
  const std::optional<LoggedEvent> read = ratelimit::read_logged_event(line);
  if (!read) {
    if (counts.unread++ == 0) counts.first_unread = counts.lines;
    return;
  }
  if (counts.events++ == 0) counts.begin_ms = counts.end_ms = read->wall_ms;
  counts.begin_ms = std::min(counts.begin_ms, read->wall_ms);
  counts.end_ms = std::max(counts.end_ms, read->wall_ms);
  (read->form == LoggedEvent::Form::own ? counts.own : counts.combined) = true;
  for (auto& replay : replays) replay->take(*read);
}

bool take_log(const std::string& file, Counts& counts, Replays& replays) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) {
      std::cerr << printable(file) << ": it can't be read\n";
      return false;
    }
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::vector<char> room(LoggedEvent::line_bytes_max + 1);
  while (in.getline(room.data(), static_cast<std::streamsize>(room.size())) || in.gcount() > 0) {
    if (in.fail()) {  // longer than any line that is read: its rest is none either
      in.clear();
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      take_line(std::string_view(room.data(), 1), counts, replays);
      continue;
    }
    std::string_view line(room.data(), static_cast<std::size_t>(in.gcount()));
    if (!in.eof()) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take_line(line, counts, replays);
  }
  return true;
}

// Fields that a jail looks at, and the log lacks: it can ban nobody here for what they say.
std::vector<std::string> blind_jails(const conf::Guard& guard, const Counts& counts) {
  std::vector<std::string> out;
  for (const auto& [name, said] : guard.jails) {
    const conf::Jail jail = conf::settled(said, guard);
    for (const auto& [field, values] : jail.filter) {
      const bool seen = (counts.own && ratelimit::is_logged(LoggedEvent::Form::own, field)) ||
                        (counts.combined && ratelimit::is_logged(LoggedEvent::Form::combined, field));
      if (!seen) out.push_back("jail " + name + " looks at " + field + ", which this log doesn't have");
    }
  }
  return out;
}

std::string who(const IpPrefix& prefix) { return prefix.length == 128 ? prefix.address.text() : prefix.text(); }

std::string length_of(const ReplayedBan& ban) {
  return ban.length_ms < 0 ? "for ever" : "for " + conf::duration_text(Millis(ban.length_ms));
}

void show_ban(const ReplayedBan& ban) {
  std::cout << who(ban.prefix) << (ban.enforced ? "  by " : "  only observed by ") << printable(ban.jail) << ", "
            << utc_text(ban.begin_ms) << ", " << length_of(ban) << ", offence " << ban.offences;
  if (ban.enforced && ban.refused > 0)
    std::cout << "; refuses " << grouped(ban.refused) << " later, " << grouped(ban.refused_good)
              << " of them answered well";
  std::cout << "\n";
  Columns rows(6);
  for (const ratelimit::Evidence& each : ban.evidence)
    rows.row({{utc_text(each.wall_ms)}, {std::to_string(each.status)}, {each.request}});
  std::cout << rows.text(false);
}

void show_all(const char* title, const std::vector<const ReplayedBan*>& bans) {
  std::cout << title << ": " << grouped(bans.size()) << "\n";
  for (std::size_t i = 0; i < std::min(bans.size(), shown_max); ++i) show_ban(*bans[i]);
  if (bans.size() > shown_max) std::cout << "and " << grouped(bans.size() - shown_max) << " more\n";
}

json::object json_of(const ReplayedBan& ban) {
  json::array evidence;
  for (const ratelimit::Evidence& each : ban.evidence)
    evidence.push_back(
        {{"time", utc_text(each.wall_ms)}, {"status", each.status}, {"request", printable(each.request)}});
  return {{"prefix", who(ban.prefix)},      {"jail", ban.jail},
          {"enforced", ban.enforced},       {"time", utc_text(ban.begin_ms)},
          {"length_ms", ban.length_ms},     {"offences", ban.offences},
          {"refused", ban.refused},         {"refused_good", ban.refused_good},
          {"evidence", std::move(evidence)}};
}

json::array json_of(const std::vector<const ReplayedBan*>& bans) {
  json::array out;
  for (const ReplayedBan* each : bans) out.push_back(json_of(*each));
  return out;
}

std::vector<const ReplayedBan*> all_of(const ratelimit::Replay& replay) {
  std::vector<const ReplayedBan*> out;
  for (const ReplayedBan& each : replay.bans()) out.push_back(&each);
  return out;
}

void show_counts(const Counts& counts, const ratelimit::Replay& replay) {
  std::cout << grouped(counts.lines) << " lines, " << grouped(counts.events) << " requests from "
            << utc_text(counts.begin_ms) << " to " << utc_text(counts.end_ms) << "\n";
  if (counts.unread > 0)
    std::cout << grouped(counts.unread) << " lines are no requests in a form that is known, the first is line "
              << grouped(counts.first_unread) << "\n";
  if (replay.passed_over() > 0)
    std::cout << grouped(replay.passed_over()) << " requests were refused as banned then, and are passed over\n";
  if (replay.left_out() > 0) std::cout << grouped(replay.left_out()) << " more bans are not kept\n";
}

}  // namespace

int run_guard_test(const GuardTestOptions& options) {
  const std::optional<conf::Config> rules = read_rules(options.rules);
  if (!rules) return 1;
  Replays replays;
  replays.push_back(replay_of(*rules));
  if (!options.against.empty()) {
    const std::optional<conf::Config> against = read_rules(options.against);
    if (!against) return 1;
    replays.push_back(replay_of(*against));
  }
  Counts counts;
  for (const std::string& log : options.logs)
    if (!take_log(log, counts, replays)) return 1;
  if (counts.events == 0) {
    std::cerr << "no line is a request of our own access log or of a combined one\n";
    return 1;
  }
  for (const std::string& each : blind_jails(rules->guard, counts)) std::cerr << "note: " << printable(each) << "\n";
  const ratelimit::Replay& now = *replays.front();
  const bool compared = replays.size() == 2;
  const auto gained =
      compared ? ratelimit::not_among(now.bans(), replays[1]->bans()) : std::vector<const ReplayedBan*>();
  const auto lost =
      compared ? ratelimit::not_among(replays[1]->bans(), now.bans()) : std::vector<const ReplayedBan*>();
  if (options.json) {
    json::object out{{"lines", counts.lines}, {"requests", counts.events}, {"unread", counts.unread}};
    out["bans"] = json_of(all_of(now));
    if (compared) out["gained"] = json_of(gained), out["lost"] = json_of(lost);
    std::cout << json::serialize(out) << "\n";
    return 0;
  }
  show_counts(counts, now);
  if (!compared) return show_all("bans", all_of(now)), 0;
  std::cout << "bans in all: " << grouped(now.bans().size()) << ", by the other rules "
            << grouped(replays[1]->bans().size()) << "\n";
  show_all("gained", gained);
  show_all("lost", lost);
  return 0;
}

}  // namespace gatehouse::cli
