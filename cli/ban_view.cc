#include "cli/ban_view.h"

#include <algorithm>

#include "cli/guard_desk.h"
#include "conf/values.h"

namespace gatehouse::cli {
namespace {

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

std::string left_words(const json::object& ban) {
  const json::value* left = ban.if_contains("left_s");
  if (left == nullptr) return "for ever";
  const std::int64_t seconds = left->to_number<std::int64_t>();
  return seconds == 0 ? "over" : conf::duration_text(Seconds(seconds)) + " left";
}

}  // namespace

NewestBans newest_bans(const ratelimit::BanTable& bans, std::int64_t steady_ms, std::int64_t wall_ms,
                       std::size_t most) {
  using ratelimit::Ban;
  const auto is_newer = [](const Ban& a, const Ban& b) { return a.since_ms > b.since_ms; };
  NewestBans out;
  std::vector<Ban> kept;  // a heap with the oldest in front
  bans.each([&](const Ban& ban) {
    if (!ban.live(static_cast<std::uint64_t>(steady_ms))) return;
    ++out.live;
    kept.push_back(ban);
    std::ranges::push_heap(kept, is_newer);
    if (kept.size() <= most) return;
    std::ranges::pop_heap(kept, is_newer);
    kept.pop_back();
  });
  std::ranges::sort_heap(kept, is_newer);
  for (const Ban& ban : kept) out.newest.push_back(ban_json(ban, bans.id_of(ban.prefix), steady_ms, wall_ms));
  return out;
}

std::vector<Columns::Cell> ban_cells(const json::object& ban) {
  return {{text(ban, "prefix")},
          {text(ban, "jail")},
          {text(ban, "action")},
          {left_words(ban)},
          {"offence " + text(ban, "offences")},
          {"id " + text(ban, "id")}};
}

}  // namespace gatehouse::cli
