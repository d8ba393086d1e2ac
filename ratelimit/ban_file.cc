#include "ratelimit/ban_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gatehouse::ratelimit {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view magic = "gatehouse bans 1\n";
constexpr std::int64_t permanent = std::numeric_limits<std::int64_t>::max();

struct Record {
  std::uint8_t address[16];
  std::int64_t age_ms, left_ms;  // since it began; until it ends, negative: since it ended
  std::uint32_t offences;
  std::uint8_t length, action, spare[2];
  char jail[16];
};
static_assert(sizeof(Record) == 56);

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T take(std::string_view& from) {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from.remove_prefix(sizeof value);
  return value;
}

// What no clock and no ban can mean would overflow in sums.
std::int64_t sane(std::int64_t ms) {
  constexpr auto most = static_cast<std::int64_t>(for_ever);
  return std::clamp(ms, -most, most);
}

std::uint64_t shifted(std::uint64_t now, std::int64_t by) {
  const std::int64_t at = static_cast<std::int64_t>(now) + by;
  return at < 1 ? 1 : std::min(static_cast<std::uint64_t>(at), for_ever - 1);
}

}  // namespace

std::string write_bans(const SipKey& key, const BanTable& table, std::uint64_t now, std::uint64_t wall) {
  std::string out(magic);
  put(out, key.k0), put(out, key.k1), put(out, wall);
  const std::size_t count_at = out.size();
  std::uint64_t count = 0;
  put(out, count);
  table.each([&](const Ban& ban) {
    if (ban.until_ms == 0) return;
    Record record{};
    std::memcpy(record.address, ban.prefix.address.bytes.data(), sizeof record.address);
    record.age_ms = static_cast<std::int64_t>(now - ban.since_ms);
    record.left_ms = ban.until_ms >= for_ever ? permanent : static_cast<std::int64_t>(ban.until_ms - now);
    record.offences = ban.offences;
    record.length = ban.prefix.length;
    record.action = static_cast<std::uint8_t>(ban.action);
    ban.jail_name().copy(record.jail, sizeof record.jail);
    put(out, record);
    ++count;
  });
  std::memcpy(out.data() + count_at, &count, sizeof count);
  put(out, siphash(key, out));
  return out;
}

Result<BanFile> read_bans(std::string_view bytes, std::uint64_t now, std::uint64_t wall) {
  const auto broken = [] { return invalid("is no file of bans, or was cut or altered"); };
  const std::string_view whole = bytes;
  if (!bytes.starts_with(magic) || bytes.size() < magic.size() + 5 * 8) return broken();
  bytes.remove_prefix(magic.size());
  BanFile out;
  out.key.k0 = take<std::uint64_t>(bytes), out.key.k1 = take<std::uint64_t>(bytes);
  const auto written = take<std::uint64_t>(bytes);
  const auto count = take<std::uint64_t>(bytes);
  if ((bytes.size() - 8) % sizeof(Record) != 0 || count != (bytes.size() - 8) / sizeof(Record)) return broken();
  std::string_view sum = whole.substr(whole.size() - 8);
  if (take<std::uint64_t>(sum) != siphash(out.key, whole.substr(0, whole.size() - 8))) return broken();
  const std::int64_t passed = std::max<std::int64_t>(0, sane(static_cast<std::int64_t>(wall - written)));
  out.bans.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto record = take<Record>(bytes);
    Ban ban;
    std::memcpy(ban.prefix.address.bytes.data(), record.address, sizeof record.address);
    ban.prefix.length = record.length;
    ban.action = static_cast<conf::BanAction>(record.action & 3);
    ban.offences = record.offences;
    ban.since_ms = shifted(now, -sane(record.age_ms) - passed);
    ban.until_ms = record.left_ms == permanent ? for_ever : shifted(now, sane(record.left_ms) - passed);
    ban.set_jail({record.jail, ::strnlen(record.jail, sizeof record.jail)});
    if (ban.prefix.length == 0 || ban.prefix.length > 128) return broken();
    out.bans.push_back(ban);
  }
  return out;
}

}  // namespace gatehouse::ratelimit
