// long: one table of presets
#include "conf/guard_presets.h"

#include <algorithm>

#include "conf/words.h"

namespace gatehouse::conf {
namespace {

constexpr std::string_view plain_fields[] = {"event",   "method",     "host",    "path",        "query",
                                             "status",  "reason",     "user",    "termination", "by",
                                             "service", "user_agent", "referer", "headers"};

Preset preset(const char* name, FilterFields filter, unsigned maxretry = 0) {
  Preset out{name, {}};
  out.jail.filter = std::move(filter);
  if (maxretry != 0) out.jail.maxretry = maxretry;
  return out;
}

const FilterFields probes = {
    {"status", {"404"}},
    {"method", {"GET", "POST", "HEAD"}},
    {"path",
     {"~(?i)^/(roundcube|(ext)?mail|horde|(v-?)?webmail|(typo3/|xampp/|admin/|)(pma|php-?myadmin[^/]*)|cgi-bin|"
      "mysqladmin)",
      "~/wp-(login|signup|admin)\\.php$"}}};

const std::vector<std::string> static_files = {
    "~(?i)\\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|mp4|webm|mp3|pdf|txt|xml)$"};

// Of fail2ban 1.1's filter.d, as far as an event has what they look for.
void add_fail2ban(std::vector<Preset>& out) {
  for (const char* name : {"nginx-http-auth", "apache-auth", "haproxy-http-auth", "traefik-auth"})
    out.push_back(preset(name, {{"status", {"401"}}}));
  out.push_back(preset("nginx-limit-req", {{"termination", {"rate_limited"}}}));
  out.push_back(preset("nginx-bad-request", {{"status", {"400"}}}));
  out.push_back(preset("nginx-forbidden", {{"termination", {"denied"}}}));
  for (const char* name : {"nginx-botsearch", "apache-botsearch"}) out.push_back(preset(name, probes, 2));
  out.push_back(
      preset("apache-noscript", {{"status", {"404"}}, {"path", {"~(?i)\\.(php|aspx?|exe|pl|cgi)$", "~^/cgi-bin/"}}}));
  out.push_back(preset("apache-nohome", {{"status", {"404"}}, {"path", {"~^/~"}}}, 2));
  out.push_back(preset("apache-overflows", {{"termination", {"client_malformed", "client_too_large"}}}, 2));
  out.push_back(preset("apache-fakegooglebot", {{"event", {"crawler"}}}, 1));
  out.push_back(preset("apache-shellshock", {{"headers", {"~\\(\\)\\s*\\{"}}}, 1));
  out.push_back(preset(
      "stunnel", {{"event", {"tunnel"}}, {"reason", {"unknown_identity", "wrong_key", "not_psk", "handshake"}}}));
  out.push_back(preset("php-url-fopen", {{"method", {"GET", "POST"}}, {"query", {"~=https?://"}}}));
  Preset bots = preset("apache-badbots",
                       {{"user_agent",
                         {"~(EmailCollector|WebEMailExtrac|TrackBack/1\\.02|sogou music spider|Jorgee|EmailSiphon|"
                          "ExtractorPro|Atomic_Email_Hunter|autoemailspider|Mozilla/4\\.0 efp@gmx\\.net)$"}}},
                       1);
  bots.jail.bantime = 48h;
  out.push_back(std::move(bots));
  Preset recidive = preset("recidive", {{"event", {"ban"}}});
  recidive.jail.findtime = 24h;
  recidive.jail.bantime = 7 * 24h;
  out.push_back(std::move(recidive));
}

// Of our own: what no log of fail2ban's shows.
void add_own(std::vector<Preset>& out) {
  out.push_back(preset("tls-handshake", {{"event", {"tls"}}, {"reason", {"protocol"}}}, 10));
  out.push_back(preset("http2-flood", {{"event", {"http2"}}}, 2));
  out.push_back(preset("application-login", {{"event", {"application"}}, {"reason", {"login_failed"}}}));
}

// After CrowdSec's hub: a bucket of capacity and leak becomes maxretry within capacity times leak.
void add_crowdsec(std::vector<Preset>& out) {
  Preset probing = preset("http-probing", {{"status", {"400", "403", "404"}}}, 10);
  probing.jail.unless = {{"path", static_files}};
  probing.jail.distinct = "path";
  probing.jail.findtime = 100s;
  out.push_back(std::move(probing));
  Preset crawl = preset("http-crawl-non-statics", {{"method", {"GET", "HEAD"}}, {"event", {"request"}}}, 40);
  crawl.jail.unless = {{"path", static_files}};
  crawl.jail.distinct = "path";
  crawl.jail.findtime = 20s;
  out.push_back(std::move(crawl));
  Preset sensitive = preset(
      "http-sensitive-files",
      {{"path",
        {"~(?i)/\\.(env|git|svn|hg|aws|ssh|htpasswd|htaccess|DS_Store|vscode)(/|$|\\.)",
         "~(?i)/(id_rsa|wp-config\\.php(\\.\\w+)?|web\\.config|docker-compose\\.ya?ml|dump\\.sql|backup\\.(zip|"
         "tar\\.gz|sql))$"}}},
      4);
  sensitive.jail.findtime = 20s;
  out.push_back(std::move(sensitive));
  Preset admin = preset("http-admin-interface-probing",
                        {{"status", {"403", "404"}},
                         {"path",
                          {"~(?i)^/(admin|administrator|manager/html|phpmyadmin|pma|solr|actuator|console|"
                           "jenkins|cpanel|HNAP1|boaform)(/|$)"}}},
                        2);
  admin.jail.findtime = 20s;
  out.push_back(std::move(admin));
  Preset agents = preset("http-bad-user-agent",
                         {{"user_agent",
                           {"~(?i)(sqlmap|nikto|masscan|zgrab|nuclei|gobuster|dirbuster|wpscan|"
                            "acunetix|nessus|openvas|jorgee|l9explore|libredtail)"}}},
                         2);
  agents.jail.findtime = 1min;
  out.push_back(std::move(agents));
  Preset force = preset("http-generic-bf", {{"method", {"POST"}}, {"status", {"401", "403"}}}, 6);
  force.jail.findtime = 50s;
  out.push_back(std::move(force));
}

template <class T>
void fill(std::optional<T>& mine, const std::optional<T>& other) {
  if (!mine) mine = other;
}

void fill_from(Jail& mine, const Jail& other) {
  fill(mine.mode, other.mode);
  fill(mine.distinct, other.distinct);
  fill(mine.findtime, other.findtime);
  fill(mine.bantime, other.bantime);
  fill(mine.maxretry, other.maxretry);
  fill(mine.increment, other.increment);
  fill(mine.maxtime, other.maxtime);
  fill(mine.rndtime, other.rndtime);
  fill(mine.action, other.action);
  fill(mine.ipv4, other.ipv4);
  fill(mine.ipv6, other.ipv6);
  if (mine.multipliers.empty()) mine.multipliers = other.multipliers;
}

}  // namespace

std::span<const Preset> presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> out;
    add_fail2ban(out);
    add_crowdsec(out);
    add_own(out);
    return out;
  }();
  return all;
}

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : presets())
    if (preset.name == name) return &preset;
  return nullptr;
}

bool is_event_field(std::string_view name) {
  if (name.starts_with("header:")) return is_token(name.substr(7));
  return std::find(std::begin(plain_fields), std::end(plain_fields), name) != std::end(plain_fields);
}

std::string event_fields_text() {
  std::string out;
  for (const std::string_view name : plain_fields) out += std::string(name) + ", ";
  return out + "header:NAME";
}

Jail settled(const Jail& jail, const Guard& guard) {
  Jail out = jail;
  if (const Preset* preset = find_preset(jail.preset)) {
    if (out.filter.empty()) out.filter = preset->jail.filter;
    if (out.unless.empty()) out.unless = preset->jail.unless;
    fill_from(out, preset->jail);
  }
  if (!out.services.empty()) out.filter["service"] = out.services;
  fill_from(out, guard.defaults);
  Jail last;
  last.mode = GuardMode::observe;
  last.findtime = last.bantime = 10min;
  last.maxretry = 5;
  last.increment = false;
  last.rndtime = 0ms;
  last.action = BanAction::forbid;
  last.ipv4 = 32, last.ipv6 = 64;
  fill_from(out, last);
  return out;
}

}  // namespace gatehouse::conf
