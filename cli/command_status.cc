#include <chrono>
#include <iostream>
#include <thread>

#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/status_text.h"
#include "cli/text.h"

namespace gatehouse::cli {
namespace {

bool show_status(const Where& where, bool json, bool clear) {
  const std::optional<HttpReply> reply = ask_door_well(where, "GET", "/v1/status");
  if (!reply) return false;
  std::string text = harmless_json(reply->body);
  if (!json) {
    const std::optional<json::object> status = parse_object(reply->body);
    if (!status) return false;
    text = status_text(*status, is_terminal());
  }
  if (clear) std::cout << "\x1b[H\x1b[J";
  std::cout << text << std::flush;
  return true;
}

}  // namespace

int run_status(const Where& where, bool json, bool watch) {
  if (!watch) return show_status(where, json, false) ? 0 : 1;
  for (;;) {  // until the user has seen enough; a door that restarts comes back into sight
    if (show_status(where, json, is_terminal() && !json) && !is_terminal() && !json) std::cout << "\n";
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace gatehouse::cli
