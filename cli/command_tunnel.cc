// gatehouse tunnel list, why, rotate, revoke: what is asked of the running program, and changed in its key files.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/asking.h"
#include "cli/key_files.h"
#include "cli/status_text.h"
#include "cli/text.h"
#include "cli/tunnel_commands.h"
#include "conf/reader_io.h"
#include "conf/values.h"
#include "tunnel/generation.h"
#include "tunnel/keyring_io.h"

namespace gatehouse::cli {
namespace {

std::optional<json::object> tunnels_of(const Where& where, json::object& status) {
  const std::optional<HttpReply> reply = ask_door_well(where, "GET", "/v1/status");
  if (!reply) return std::nullopt;
  const std::optional<json::object> parsed = parse_object(reply->body);
  if (!parsed) return std::nullopt;
  status = *parsed;
  const json::value* tunnels = status.if_contains("tunnels");
  if (tunnels == nullptr) {
    std::cerr << "there is no tunnel: write `tunnel:` in gatehouse.yaml\n";
    return std::nullopt;
  }
  return tunnels->as_object();
}

std::string text_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? printable(std::string(value->as_string())) : std::string();
}

std::int64_t number_at(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

std::string_view meaning_of(std::string_view end) {
  struct Meaning {
    std::string_view end, words;
  };
  constexpr Meaning meanings[] = {
      {"ok", "both sides said their end"},
      {"idle", "nothing came for idle_timeout"},
      {"client_reset", "the side that connected broke off"},
      {"server_reset", "the side that was dialled broke off"},
      {"truncated", "TLS broke off without its end: the other host, or somebody between, cut it"},
      {"revoked", "the key, the service or the network was taken away"},
      {"shutdown", "this program ended it"},
      {"client_gone", "whoever connected left before the other side was reached"},
      {"source", "refused: it may not come from that address (allow, from)"},
      {"half_open", "refused: too many handshakes under way (handshakes, handshakes_per_client)"},
      {"overload", "refused: connections, memory or descriptors are used up (limits)"},
      {"timeout", "the handshake took longer than handshake_time"},
      {"handshake", "TLS failed: other versions or suites, an exit without our key, or no TLS at all"},
      {"unknown_identity", "an identity that has no key here"},
      {"wrong_key", "an identity that is known, with another key: compare the files of both ends"},
      {"not_psk", "TLS was completed, but not by the key"},
      {"no_service", "no service was named and the identity may reach several: the entry's `service`"},
      {"not_allowed", "the identity may not reach that service from there (allow)"},
      {"too_many", "the identity has its max_connections"},
      {"unreachable", "nobody could be connected to: the service of an exit, or the exit of an entry"},
      {"refused_by_exit", "the exit said no: see `detail` in the access log"},
      {"banned", "refused: the address is banned (gatehouse bans why ADDRESS)"},
  };
  for (const Meaning& each : meanings)
    if (each.end == end) return each.words;
  return "";
}

void show_ends(const json::object& stats) {
  const json::value* ends = stats.if_contains("ends");
  if (ends == nullptr || !ends->is_object() || ends->as_object().empty()) {
    std::cout << "    no connection has ended yet\n";
    return;
  }
  for (const auto& [name, count] : ends->as_object())
    std::cout << "    " << count.as_int64() << " " << printable(std::string(name)) << ": " << meaning_of(name)
              << "\n";
}

void show_use(const json::object& stats) {
  std::cout << "    " << number_at(stats, "open") << " open of "
            << counted(number_at(stats, "connections"), "connection");
  if (const std::string seen = text_at(stats, "last_seen"); !seen.empty()) std::cout << ", last at " << seen;
  if (stats.contains("key_days")) std::cout << ", key of " << counted(number_at(stats, "key_days"), "day");
  std::cout << "\n";
}

bool show_exits(const json::object& tunnels, const std::string& name) {
  bool found = false;
  for (const json::value& each : tunnels.at("exits").as_array()) {
    const json::object& exit = each.as_object();
    const bool whole = text_at(exit, "name") == name;
    for (const json::value& one : exit.at("identities").as_array()) {
      const json::object& who = one.as_object();
      if (!whole && text_at(who, "identity") != name) continue;
      found = true;
      std::cout << text_at(exit, "name") << " at " << text_at(exit, "address") << " lets in "
                << text_at(who, "identity") << " to " << json::serialize(who.at("services")) << "\n";
      if (!who.at("has_key").as_bool()) std::cout << "    it has no key here, so it can't come in\n";
      show_use(who);
      show_ends(who);
    }
    if (!whole) continue;
    found = true;
    std::cout << text_at(exit, "name") << " at " << text_at(exit, "address") << ", of strangers:\n";
    show_ends(exit.at("strangers").as_object());
  }
  return found;
}

bool show_entries(const json::object& tunnels, const std::string& name) {
  bool found = false;
  for (const json::value& each : tunnels.at("entries").as_array()) {
    const json::object& entry = each.as_object();
    for (const json::value& one : entry.at("targets").as_array()) {
      const json::object& target = one.as_object();
      if (text_at(entry, "name") != name && text_at(target, "identity") != name) continue;
      found = true;
      std::cout << text_at(entry, "name") << " at " << text_at(entry, "listen") << " leads to "
                << text_at(target, "address") << " as " << text_at(target, "identity") << ", for "
                << text_at(entry, "service") << "\n";
      if (!target.at("resolved").as_bool()) std::cout << "    the name of the exit is not resolved\n";
      if (target.at("rests").as_bool())
        std::cout << "    it rests: " << number_at(target, "failures") << " failures\n";
      show_use(target);
      show_ends(target);
    }
    if (text_at(entry, "name") != name) continue;
    std::cout << text_at(entry, "name") << ", of those who reached no exit:\n";
    show_ends(entry.at("failed").as_object());
  }
  return found;
}

// Has the running program look at its keys at once; else it notices by itself.
void tell_door(const Where& where) {
  const std::optional<HttpReply> reply = ask_door(where, "POST", "/v1/tunnel/reread");
  if (reply && reply->status == 200)
    std::cout << "it holds in the gatehouse that runs\n";
  else if (reply)
    std::cerr << printable(reply->body);
}

struct Holder {
  conf::TunnelSecrets secrets;
  std::string name;  // of the tunnel
  bool accepts = false;
};

std::vector<Holder> holders_in(const conf::Tunnel& tunnel) {
  std::vector<Holder> out;
  for (const conf::TunnelAccept& accept : tunnel.accept) out.push_back({accept.secrets, accept.called(), true});
  for (const conf::TunnelConnect& connect : tunnel.connect)
    for (const conf::TunnelTarget& target : connect.to) out.push_back({target.secret, connect.name, false});
  return out;
}

std::optional<conf::Config> config_at(const Where& where) {
  const std::string file = where.config.empty() ? usual_config : where.config;
  const conf::ReadConfig read = conf::read_config(file, conf::surroundings_of_process(file));
  if (!conf::has_error(read.findings)) return read.config;
  for (const conf::Finding& each : read.findings) std::cerr << printable(each.text()) << "\n";
  return std::nullopt;
}

int fail(const std::string& what) {
  std::cerr << printable(what) << "\n";
  return 1;
}

// The folder that holds the identity's keys, and the generations in it.
struct Ring {
  std::string folder;
  std::vector<std::string> identities;
};
Result<Ring> ring_of(const conf::Tunnel& tunnel, const std::string& base, bool accepts) {
  bool in_file = false;
  for (const Holder& holder : holders_in(tunnel)) {
    if (holder.accepts != accepts) continue;
    Ring ring{holder.secrets.folder, {}};
    for (const tunnel::KeyFile& file : tunnel::read_secrets(holder.secrets, "").files)
      for (const tunnel::KeyEntry& entry : file.entries)
        if (tunnel::generation_of(entry.identity).base == base) ring.identities.push_back(entry.identity);
    in_file = in_file || (!ring.identities.empty() && ring.folder.empty());
    if (!ring.identities.empty() && !ring.folder.empty()) return ring;
  }
  return invalid(in_file ? base +
                               ": its key stands in one file with others; rotation needs `folder:` in place of "
                               "`file:` (a file for each key)"
                         : base + ": no tunnel of this configuration " +
                               (accepts ? "lets it in" : "comes in with it") + " by a folder of keys");
}

unsigned newest(const Ring& ring) {
  unsigned out = 0;
  for (const std::string& identity : ring.identities) out = std::max(out, tunnel::generation_of(identity).number);
  return out;
}

int add_generation(const Where& where, const conf::Tunnel& tunnel, const std::string& base) {
  const Result<Ring> ring = ring_of(tunnel, base, true);
  if (!ring) return fail(ring.error().what);
  const std::string identity = tunnel::generation_name(base, newest(*ring) + 1);
  const std::string path = ring->folder + "/" + identity + ".psk";
  if (const Status made = write_new_key(path, identity, false); !made) return fail(made.error().what);
  std::cout << "wrote " << path << "\n";
  tell_door(where);
  std::cout << "next, on the host that connects: copy the file there, safely, and run\n"
               "    gatehouse tunnel rotate "
            << base << " --stage switch --key " << identity << ".psk\n";
  return 0;
}

int switch_generation(const Where& where, const conf::Tunnel& tunnel, const std::string& base,
                      const std::string& key) {
  if (key.empty()) return fail("--key FILE: the key that `--stage add` made on the other host");
  const Result<Ring> ring = ring_of(tunnel, base, false);
  if (!ring) return fail(ring.error().what);
  const tunnel::KeyFiles file = tunnel::read_key_file(key, "", conf::KeyFormat::automatic);
  for (const conf::Finding& each : file.findings) return fail(each.text());
  const std::vector<tunnel::KeyEntry>& entries = file.files.front().entries;
  if (entries.size() != 1) return fail(key + ": one key is due here");
  const tunnel::Generation generation = tunnel::generation_of(entries.front().identity);
  if (generation.base != base || generation.number <= newest(*ring))
    return fail(key + ": " + entries.front().identity + " is no later generation of " + base);
  const std::string path = ring->folder + "/" + entries.front().identity + ".psk";
  if (const Status copied = copy_key(key, path); !copied) return fail(copied.error().what);
  std::cout << "wrote " << path << "; new connections use it\n";
  tell_door(where);
  std::cout << "next, on the host that accepts, once no connection of the old one is left:\n"
               "    gatehouse tunnel rotate "
            << base << " --stage retire\n";
  return 0;
}

// What the running program knows of an identity that it lets in.
std::optional<json::object> use_of(const json::object& tunnels, const std::string& identity) {
  for (const json::value& exit : tunnels.at("exits").as_array())
    for (const json::value& who : exit.as_object().at("identities").as_array())
      if (text_at(who.as_object(), "identity") == identity) return who.as_object();
  return std::nullopt;
}

int retire_generations(const Where& where, const conf::Tunnel& tunnel, const std::string& base, Millis idle) {
  const Result<Ring> ring = ring_of(tunnel, base, true);
  if (!ring) return fail(ring.error().what);
  const unsigned last = newest(*ring);
  if (ring->identities.size() < 2) return fail(base + ": there is no older key beside the newest");
  json::object status;
  const std::optional<json::object> tunnels = tunnels_of(where, status);
  if (!tunnels) return 1;  // unknown use is no reason to take a key away
  const std::optional<json::object> fresh = use_of(*tunnels, tunnel::generation_name(base, last));
  if (!fresh || number_at(*fresh, "connections") == 0)
    return fail(tunnel::generation_name(base, last) + " was never used since this gatehouse began: switch first");
  for (const std::string& identity : ring->identities) {
    if (tunnel::generation_of(identity).number == last) continue;
    const std::optional<json::object> use = use_of(*tunnels, identity);
    if (use && number_at(*use, "open") != 0)
      return fail(identity + " is in use: " + counted(number_at(*use, "open"), "connection") + " open");
    if (use && use->contains("last_seen") && number_at(*use, "last_seen_ms") < idle.count())
      return fail(identity + " was used " + ago(number_at(*use, "last_seen_ms")) + " ago; --idle says " +
                  conf::duration_text(idle));
  }
  for (const std::string& identity : ring->identities) {
    if (tunnel::generation_of(identity).number == last) continue;
    if (const Status gone = remove_key({{}, ring->folder}, identity); !gone) return fail(gone.error().what);
    std::cout << identity << " is retired\n";
  }
  tell_door(where);
  return 0;
}

}  // namespace

int run_tunnel_list(const Where& where, bool json) {
  json::object status;
  const std::optional<json::object> tunnels = tunnels_of(where, status);
  if (!tunnels) return 1;
  std::cout << (json ? harmless_json(json::serialize(*tunnels)) + "\n" : tunnels_text(status, is_terminal()));
  return 0;
}

int run_tunnel_why(const Where& where, const std::string& name) {
  json::object status;
  const std::optional<json::object> tunnels = tunnels_of(where, status);
  if (!tunnels) return 1;
  const bool in = show_exits(*tunnels, name), out = show_entries(*tunnels, name);
  if (in || out) return 0;
  return fail(name + ": no tunnel and no identity of this name; `gatehouse tunnel list`");
}

int run_tunnel_rotate(const Where& where, const RotateOptions& options) {
  const std::optional<conf::Config> config = config_at(where);
  if (!config) return 1;
  const Result<Millis> idle = conf::parse_duration(options.idle);
  if (!idle) return fail("--idle: " + idle.error().what);
  const std::string base(tunnel::generation_of(options.identity).base);
  if (options.stage == "add") return add_generation(where, config->tunnel, base);
  if (options.stage == "switch") return switch_generation(where, config->tunnel, base, options.key);
  return retire_generations(where, config->tunnel, base, *idle);
}

int run_tunnel_revoke(const Where& where, const std::string& identity) {
  const std::optional<conf::Config> config = config_at(where);
  if (!config) return 1;
  bool found = false;
  for (const Holder& holder : holders_in(config->tunnel)) {
    if (!holder.accepts) continue;
    const Status gone = remove_key(holder.secrets, identity);
    if (!gone && gone.error().code != Errc::unavailable) return fail(gone.error().what);
    found = found || static_cast<bool>(gone);
  }
  if (!found) return fail(identity + ": no tunnel of this configuration lets it in");
  std::cout << identity << " has no key here any more; its connections are cut\n";
  tell_door(where);
  return 0;
}

}  // namespace gatehouse::cli
