#include "cli/guard_answers.h"

#include "cli/ban_view.h"
#include "cli/door.h"
#include "cli/door_view.h"

namespace gatehouse::cli {
namespace {

using ratelimit::Ban;

struct Now {
  explicit Now(const Door& door) : view(view_of(door)), bans(view.guard->bans) {}
  std::uint64_t ms() const { return static_cast<std::uint64_t>(view.steady_ms); }
  json::object json_of(const Ban& ban) const {
    return ban_json(ban, bans.id_of(ban.prefix), view.steady_ms, view.wall_ms);
  }

  const DoorView view;
  const ratelimit::BanTable& bans;
};

std::optional<Ban> find(const Now& now, const std::string& target) {
  if (const auto address = IpAddress::parse(target)) return now.bans.who_bans(*address, now.ms());
  if (const auto prefix = IpPrefix::parse(target)) return now.bans.known(*prefix);
  std::optional<Ban> found;
  now.bans.each([&](const Ban& ban) {
    if (ban_id_text(now.bans.id_of(ban.prefix)) == target) found = ban;
  });
  return found;
}

}  // namespace

json::object bans_json(const Door& door, std::size_t most) {
  const Now now(door);
  NewestBans found = newest_bans(now.bans, now.view.steady_ms, now.view.wall_ms, most);
  return {{"count", found.live}, {"bans", std::move(found.newest)}};
}

Result<json::object> why_json(const Door& door, const std::string& target) {
  const Now now(door);
  const std::optional<Ban> ban = find(now, target);
  std::optional<IpPrefix> prefix = ban ? std::optional(ban->prefix) : std::nullopt;
  if (!prefix) {
    if (const auto address = IpAddress::parse(target))
      prefix = IpPrefix{ratelimit::masked(*address, 32, 64), static_cast<std::uint8_t>(address->is_v4() ? 128 : 64)};
    else
      prefix = IpPrefix::parse(target);
  }
  if (!prefix) return invalid(target + ": no ban of this id; or write an address or a network");
  json::object out{{"banned", ban && ban->live(now.ms())}};
  if (ban) out["ban"] = now.json_of(*ban);
  out["strikes"] = door.guard_desk().strikes_of(*prefix, now.view.wall_ms - now.view.steady_ms);
  return out;
}

}  // namespace gatehouse::cli
