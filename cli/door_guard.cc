// What the door is to the guard: its rules from the configuration, its tables for the life of the process, the file
// that bans outlive it in, and the commands about them.
#include <algorithm>

#include <openssl/rand.h>

#include "cli/door.h"
#include "conf/values.h"
#include "net/aside.h"
#include "net/atomic_file.h"
#include "net/local_addresses.h"
#include "net/read_file.h"
#include "proxy/guard_io.h"
#include "ratelimit/ban_file.h"

namespace gatehouse::cli {
namespace {

constexpr auto look_pause = std::chrono::milliseconds(100);
constexpr std::uint64_t sweep_ms = 600'000;
constexpr std::uint64_t no_thread_pause_ms = 10'000;  // until another try
constexpr std::size_t ban_file_most = 1 << 30;

SipKey make_secret() {
  SipKey key;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&key), sizeof key) != 1)
    throw std::runtime_error("no random bytes to be had");  // nothing could be kept secret
  return key;
}

std::uint64_t steady_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(Clock::now().time_since_epoch()).count());
}
std::uint64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(now).count());
}

// Hosts that tunnels come from or lead to. A wide network that an identity may come from names nobody in particular.
void add_tunnel_peers(const conf::Tunnel& tunnel, std::vector<IpPrefix>& out) {
  const auto is_narrow = [](const IpPrefix& from) { return from.length >= (from.address.is_v4() ? 96 + 24 : 48); };
  for (const conf::TunnelAccept& accept : tunnel.accept)
    for (const conf::TunnelAllow& allow : accept.allow)
      std::copy_if(allow.from.begin(), allow.from.end(), std::back_inserter(out), is_narrow);
  for (const conf::TunnelConnect& connect : tunnel.connect)
    for (const conf::TunnelTarget& target : connect.to)
      if (target.address.host.empty() && target.address.socket.empty())
        out.push_back({target.address.address.ip, 128});
}

// "192.0.2.1" means what a jail would ban of it: of IPv6 the household's /64.
Result<IpPrefix> prefix_meant(const std::string& text) {
  if (const auto address = IpAddress::parse(text))
    return IpPrefix{ratelimit::masked(*address, 32, 64), static_cast<std::uint8_t>(address->is_v4() ? 128 : 64)};
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) return invalid(text + ": write an address or a network, as in 192.0.2.1 or 2001:db8::/48");
  if (prefix->length == 0 || (prefix->address.is_v4() && prefix->length < 104) ||
      (!prefix->address.is_v4() && prefix->length < 16))
    return invalid(text + ": too wide; an IPv4 network of /8 and an IPv6 network of /16 are the widest");
  return *prefix;
}

}  // namespace

// Bans are in force before the first listener is served.
void Door::open_guard() {
  const Result<FileContent> kept = read_file(state_file("bans"), ban_file_most);
  Result<ratelimit::BanFile> read =
      kept ? ratelimit::read_bans(kept->bytes, steady_ms(), wall_ms()) : Result<ratelimit::BanFile>(invalid("none"));
  if (kept && !read) warn("guard", state_file("bans") + " " + read.error().what + ": nobody is banned");
  const SipKey key = read ? read->key : make_secret();
  shared_.guard = std::make_unique<ratelimit::Tables>(key, config_.guard.limit_keys, config_.guard.bans);
  if (read)
    for (const ratelimit::Ban& ban : read->bans) shared_.guard->bans.add(ban, 0);
  bans_saved_ = shared_.guard->bans.changes();
  look_after_guard();
}

// Besides those of ignoreip: whom a ban would cut off from the service rather than from us.
std::vector<IpPrefix> Door::never_banned() const {
  std::vector<IpPrefix> out = config_.trusted_proxies;
  for (const conf::Listen& listen : config_.listen)
    out.insert(out.end(), listen.proxy_protocol.begin(), listen.proxy_protocol.end());
  if (config_.guard.ignoreself)
    for (const IpAddress& address : local_addresses()) out.push_back({address, 128});
  add_tunnel_peers(config_.tunnel, out);
  if (table_)
    for (const auto& service : table_->services)
      for (const conf::Instance& instance : service->instances)
        if (const auto address = IpAddress::parse(instance.address)) out.push_back({*address, 128});
  return out;
}

std::shared_ptr<const ratelimit::Rules> Door::guard_rules() const {
  const ratelimit::Rules* before = world_ ? world_->settings().guard.get() : nullptr;
  std::vector<IpPrefix> never = never_banned();
  std::sort(never.begin(), never.end());
  never.erase(std::unique(never.begin(), never.end()), never.end());
  if (before != nullptr && before->conf == config_.guard && before->spared == never) return world_->settings().guard;
  return std::make_shared<const ratelimit::Rules>(config_.guard, shared_.guard->key, std::move(never), before);
}

void Door::look_after_guard() {
  for (auto& worker : workers_)
    ratelimit::read_records(worker->guard_told, [this](const ratelimit::StrikeRecord& record) {
      if (record.kind != ratelimit::StrikeRecord::Kind::claim) return guard_desk_.take(record);
      crawler_desk_.look_into(record.client, record.reason, config_.guard.resolver);
    });
  for (const std::string& text : guard_desk_.news()) note("guard", text);
  const std::uint64_t now = steady_ms();
  if (now - swept_at_ > sweep_ms) {
    swept_at_ = now;
    shared_.guard->limits.sweep(now * 1000);
  }
  save_bans();
  guard_timer_.expires_after(look_pause);
  guard_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look_after_guard();
  });
}

// A liar is an event for jails, too, at the first worker as any other.
void Door::crawler_judged(const IpAddress& client, const std::string& crawler, ratelimit::CrawlerState state) {
  shared_.guard->crawlers.put(ratelimit::crawler_key(*shared_.guard, client), state, steady_ms());
  if (state != ratelimit::CrawlerState::refuted || workers_.empty()) return;
  proxy::Worker& worker = *workers_.front();
  worker.loop.post(
      [&worker, client, crawler] { proxy::show_to_guard(worker, client, ratelimit::event_kind::crawler, crawler); });
}

// Written by a thread of its own: a slow disk holds nobody up. One at a time.
void Door::save_bans() {
  if (gave_way_) return;
  if (saving_.valid()) {
    if (saving_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    if (const Status saved = saving_.get(); !saved) warn("guard", "bans not saved: " + saved.error().what);
    save_after_ = steady_ms() + 10 * (steady_ms() - saved_at_);  // many bans, or a slow disk: less often
  }
  if (steady_ms() < save_after_) return;
  const std::uint64_t changes = shared_.guard->bans.changes();
  if (changes == bans_saved_) return;
  saved_at_ = steady_ms();
  auto started = start_aside("bans", [tables = shared_.guard.get(), file = state_file("bans")] {
    return write_file_atomically(file, ratelimit::write_bans(tables->key, tables->bans, steady_ms(), wall_ms()),
                                 0600);
  });
  if (!started) {
    warn("guard", "bans not saved: " + started.error().what);
    save_after_ = saved_at_ + no_thread_pause_ms;
    return;
  }
  bans_saved_ = changes;
  saving_ = std::move(*started);
}

// What is known of bans is on disk when this returns.
void Door::close_guard() {
  if (!shared_.guard || !events_) return;
  if (saving_.valid()) saving_.wait();
  save_bans();
  save_after_ = 0;
  save_bans();
  if (saving_.valid()) saving_.wait();
}

Result<std::string> Door::add_ban(const std::string& target, Millis time, const std::string& by) {
  const Result<IpPrefix> prefix = prefix_meant(target);
  if (!prefix) return prefix.error();
  const auto& rules = world_->settings().guard;
  if (rules && rules->spares(*prefix))
    return invalid(prefix->text() +
                   ": somebody in it is never banned: guard.ignoreip, a trusted proxy, an endpoint, or "
                   "this machine");
  ratelimit::Ban ban{.prefix = *prefix, .since_ms = steady_ms()};
  ban.until_ms =
      time == conf::Jail::forever ? ratelimit::for_ever : ban.since_ms + static_cast<std::uint64_t>(time.count());
  ban.set_jail("admin");
  ratelimit::BanTable& bans = shared_.guard->bans;
  if (bans.add(ban, ban.since_ms) == ratelimit::BanTable::Added::nothing)
    return invalid(prefix->text() + " is banned already, and for longer");
  const std::string text = prefix->text() + " banned by hand " +
                           (time == conf::Jail::forever ? "for ever" : "for " + conf::duration_text(time));
  note("guard", text, by);
  return text;
}

Result<std::string> Door::lift_ban(const std::string& target, const std::string& by) {
  const Result<IpPrefix> prefix = prefix_meant(target);
  if (!prefix) return prefix.error();
  const std::size_t count = shared_.guard->bans.lift(*prefix, steady_ms());
  if (count == 0) return invalid(prefix->text() + ": nobody in it is banned");
  const std::string text =
      std::to_string(count) + (count == 1 ? " ban" : " bans") + " of " + prefix->text() + " lifted";
  note("guard", text, by);
  return text;
}

}  // namespace gatehouse::cli
