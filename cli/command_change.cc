// The verbs that act on the running program, or ask it one small thing.
#include <cerrno>
#include <csignal>
#include <iostream>
#include <thread>

#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/text.h"

namespace gatehouse::cli {
namespace {

constexpr auto look_pause = std::chrono::milliseconds(50);

void print_list(const json::object& answer, std::string_view name, std::ostream& out) {
  const json::value* list = answer.if_contains(name);
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& each : list->as_array())
    if (each.is_string()) out << printable(each.as_string()) << "\n";
}

int change(const Where& where, const std::string& target) {
  const auto reply = ask_door_well(where, "POST", target);
  if (!reply) return 1;
  std::cout << printable(reply->body.substr(0, reply->body.find('\n'))) << "\n";
  return 0;
}

}  // namespace

int run_reload(const Where& where) {
  const std::optional<HttpReply> reply = ask_door(where, "POST", "/v1/reload");
  if (!reply) return 1;
  const bool told = reply->status == 200 || reply->status == 409;
  const std::optional<json::object> answer = told ? parse_object(reply->body) : std::nullopt;
  if (!answer) {
    if (!told) std::cerr << reply->body;
    return 1;
  }
  print_list(*answer, "findings", std::cerr);
  if (reply->status == 409) {
    std::cerr << "refused: what runs stays as it was\n";
    return 1;
  }
  print_list(*answer, "changes", std::cout);
  std::cout << "reloaded\n";
  return 0;
}

// Both answer at the admin socket while one takes over from the other.
int run_upgrade(const Where& where) {
  const auto begun = ask_door_well(where, "POST", "/v1/upgrade");
  const std::optional<json::object> answer = begun ? parse_object(begun->body) : std::nullopt;
  const json::value* pid = answer ? answer->if_contains("pid") : nullptr;
  if (pid == nullptr || !pid->is_int64()) return 1;
  const auto heir = static_cast<pid_t>(pid->as_int64());
  for (;;) {
    const auto ended = ::kill(heir, 0) < 0 && errno == ESRCH;
    if (ended) break;
    const auto reply = ask_door(where, "GET", "/v1/status");
    const std::optional<json::object> status = reply ? parse_object(reply->body) : std::nullopt;
    const json::value* now = status ? status->if_contains("pid") : nullptr;
    const json::value* ready = status ? status->if_contains("ready") : nullptr;
    if (now != nullptr && *now == *pid && ready != nullptr && ready->is_bool() && ready->as_bool()) {
      std::cout << "upgraded: pid " << heir << " serves; the one before finishes what it has\n";
      return 0;
    }
    std::this_thread::sleep_for(look_pause);
  }
  std::cerr << "refused: the new gatehouse did not start; the old one goes on, and `gatehouse history` tells more\n";
  return 1;
}

int run_ready(const Where& where) {
  const std::optional<HttpReply> reply = ask_door_well(where, "GET", "/v1/ready");
  if (!reply) return 1;
  std::cout << reply->body;
  return 0;
}

int run_drain(const Where& where, const std::string& target, bool drain) {
  const std::string verb = drain ? "/v1/drain" : "/v1/undrain";
  return change(where, verb + "?target=" + percent_encode(target));
}

int run_maintenance(const Where& where, const std::string& service, const std::string& state,
                    const std::string& time) {
  std::string target = "/v1/maintenance?target=" + percent_encode(service) + "&state=" + percent_encode(state);
  if (!time.empty()) target += "&for=" + percent_encode(time);
  return change(where, target);
}

int run_approve(const Where& where, const std::string& target) {
  return change(where, "/v1/catalog/approve?target=" + percent_encode(target));
}

int run_freeze(const Where& where, bool freeze) {
  return change(where, freeze ? "/v1/catalog/freeze" : "/v1/catalog/unfreeze");
}

int run_rollback(const Where& where, const std::string& table) {
  return change(where, "/v1/catalog/rollback" + (table.empty() ? "" : "?table=" + percent_encode(table)));
}

int run_failover(const Where& where, const std::string& service, const std::string& datacenter, bool back) {
  std::string target = "/v1/failover?target=" + percent_encode(service);
  target += back ? "&back=1" : "&to=" + percent_encode(datacenter);
  const auto reply = ask_door_well(where, "POST", target);
  if (!reply) return 1;
  std::cout << printable(reply->body.substr(0, reply->body.find('\n'))) << "\n";
  return 0;
}

int run_explain(const Where& where, const ExplainOptions& options) {
  std::string fields;
  for (const std::string& field : options.fields) fields += (fields.empty() ? "" : "\n") + field;
  std::string target = "/v1/explain?method=" + percent_encode(options.method) +
                       "&url=" + percent_encode(options.url) + "&field=" + percent_encode(fields);
  if (!options.from.empty()) target += "&from=" + percent_encode(options.from);
  const std::optional<HttpReply> reply = ask_door_well(where, "GET", target);
  if (!reply) return 1;
  std::cout << reply->body;
  return 0;
}

}  // namespace gatehouse::cli
