#include <chrono>
#include <iostream>

#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/text.h"
#include "conf/values.h"

namespace gatehouse::cli {

int run_history(const Where& where, const std::string& since, bool json) {
  const Result<Millis> back = conf::parse_duration(since);
  if (!back) {
    std::cerr << "--since " << back.error().what << "\n";
    return 2;
  }
  const auto from = std::chrono::system_clock::now().time_since_epoch() - *back;
  const std::int64_t from_ms = std::max<std::int64_t>(std::chrono::duration_cast<Millis>(from).count(), 0);
  const auto reply = ask_door_well(where, "GET", "/v1/history?since=" + std::to_string(from_ms));
  if (!reply) return 1;
  if (json) {
    std::cout << harmless_json(reply->body);
    return 0;
  }
  Columns rows(0);
  for (std::string_view rest = reply->body; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (const std::optional<HistoryEntry> entry = parse_history_line(rest.substr(0, end))) {
      const std::string by = entry->by.empty() ? "" : ", by " + entry->by;
      rows.row({{utc_text(entry->time_ms), Colour::dim}, {entry->what}, {entry->text + by}});
      for (const std::string& line : entry->table.lines) rows.row({{}, {}, {"  " + line}});
      if (entry->table.lines_more != 0)
        rows.row({{}, {}, {"  and " + std::to_string(entry->table.lines_more) + " more"}});
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::cout << (rows.empty() ? "nothing changed in the last " + since + "\n" : rows.text(is_terminal()));
  return 0;
}

}  // namespace gatehouse::cli
