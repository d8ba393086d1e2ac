#include <chrono>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/log_file_io.h"
#include "cli/log_filter.h"
#include "conf/reader_io.h"

namespace gatehouse::cli {
namespace {

constexpr auto look_again = std::chrono::milliseconds(200);
constexpr std::size_t followed_back = 4 << 10;  // of what stands already, when following

// Of the door that runs; of the file of -c when none does.
std::optional<std::string> log_place(const Where& where) {
  const Result<std::string> socket = socket_of(where);
  const bool runs = socket && ::access(socket->c_str(), F_OK) == 0;
  if (runs || where.config.empty()) {
    const std::optional<HttpReply> reply = ask_door_well(where, "GET", "/v1/logs");
    const std::optional<json::object> places = reply ? parse_object(reply->body) : std::nullopt;
    const json::value* access = places ? places->if_contains("access") : nullptr;
    if (access == nullptr || !access->is_string()) return std::nullopt;
    return std::string(access->as_string());
  }
  return conf::read_config(where.config, conf::surroundings_of_process(where.config)).config.access_log.to;
}

bool is_file(const std::string& place) {
  if (place == "off")
    std::cerr << "there is no access log: logs.access.to is off\n";
  else if (place == "stdout")
    std::cerr << "the access log goes to the program's stdout; under systemd: journalctl -u gatehouse -o cat\n";
  return place != "off" && place != "stdout";
}

}  // namespace

int run_logs(const Where& where, const LogOptions& options) {
  const Result<LogFilter> filter = LogFilter::make(options.service, options.status, options.id);
  if (!filter) {
    std::cerr << "--status " << filter.error().what << "\n";
    return 2;
  }
  const std::optional<std::string> place = log_place(where);
  if (!place || !is_file(*place)) return 1;
  const bool filtered = !options.service.empty() || !options.status.empty() || !options.id.empty();
  const bool only_last = options.follow && !filtered;
  Result<LogFile> log = only_last ? LogFile::open(*place, followed_back) : LogFile::open(*place);
  if (!log) {
    std::cerr << log.error().what << "\n";
    return 1;
  }
  std::vector<std::string> lines;
  for (;;) {
    lines.clear();
    const bool more = log->read(lines);
    for (const std::string& line : lines)
      if (filter->wants(line)) std::cout << line << "\n";
    if (more) continue;
    std::cout.flush();
    if (!std::cout) return 1;
    if (!options.follow) return 0;
    std::this_thread::sleep_for(look_again);
  }
}

}  // namespace gatehouse::cli
