// The verbs of `gatehouse bans`.
#include <iostream>

#include "cli/asking.h"
#include "cli/ban_view.h"
#include "cli/commands.h"
#include "cli/text.h"

namespace gatehouse::cli {
namespace {

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  return value->is_string() ? printable(value->as_string()) : json::serialize(*value);
}

std::optional<json::object> ask(const Where& where, const std::string& target) {
  const auto reply = ask_door_well(where, "GET", target);
  return reply ? parse_object(reply->body) : std::nullopt;
}

// A request as it was asked; of what was no request, what it was.
std::string what_counted(const json::object& strike) {
  const std::string event = text(strike, "event"), reason = text(strike, "reason");
  std::string out = text(strike, "method") + " " + text(strike, "host") + text(strike, "path");
  if (event == "request") return out;
  const std::string named = reason.empty() ? event : event + ": " + reason;
  return text(strike, "path").empty() ? named : named + ", " + out;
}

int change(const Where& where, const std::string& target) {
  const auto reply = ask_door_well(where, "POST", target);
  if (!reply) return 1;
  std::cout << printable(reply->body.substr(0, reply->body.find('\n'))) << "\n";
  return 0;
}

}  // namespace

int run_bans_list(const Where& where, bool as_json) {
  const auto answer = ask(where, "/v1/bans");
  if (!answer) return 1;
  if (as_json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  Columns rows;
  const json::array& bans = answer->at("bans").as_array();
  for (const json::value& ban : bans) rows.row(ban_cells(ban.as_object()));
  if (!rows.empty()) std::cout << rows.text(false);
  const auto count = answer->at("count").to_number<std::size_t>();
  if (count != bans.size()) std::cout << "and " << count - bans.size() << " more\n";
  if (count == 0) std::cout << "nobody is banned\n";
  return 0;
}

int run_bans_why(const Where& where, const std::string& target, bool as_json) {
  const auto answer = ask(where, "/v1/bans/why?target=" + percent_encode(target));
  if (!answer) return 1;
  if (as_json) {
    std::cout << json::serialize(*answer) << "\n";
    return 0;
  }
  const bool banned = answer->at("banned").as_bool();
  if (const json::value* ban = answer->if_contains("ban")) {
    Columns rows;
    rows.row(ban_cells(ban->as_object()));
    std::cout << rows.text(false);
  }
  if (!banned) std::cout << "not banned now\n";
  Columns rows;
  for (const json::value& each : answer->at("strikes").as_array()) {
    const json::object& strike = each.as_object();
    rows.row({{utc_text(strike.at("time_ms").to_number<std::int64_t>())},
              {text(strike, "jail")},
              {text(strike, "status")},
              {what_counted(strike)},
              {text(strike, "client_address")},
              {text(strike, "request_id")}});
  }
  std::cout << (rows.empty() ? "no strikes are remembered\n" : "what counted, the oldest first\n" + rows.text(false));
  return banned ? 0 : 1;
}

int run_bans_add(const Where& where, const std::string& target, const std::string& time) {
  return change(where, "/v1/bans/add?target=" + percent_encode(target) + "&for=" + percent_encode(time));
}

int run_bans_remove(const Where& where, const std::string& target) {
  return change(where, "/v1/bans/remove?target=" + percent_encode(target));
}

}  // namespace gatehouse::cli
