#include "cli/door.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin.h"
#include "cli/catalog_input.h"
#include "cli/http_server_io.h"
#include "cli/metrics_page.h"
#include "cli/serving_user.h"
#include "cli/status.h"
#include "conf/check.h"
#include "conf/diff.h"
#include "conf/reader_io.h"
#include "net/dice.h"
#include "net/lock_file.h"
#include "net/read_file.h"
#include "net/service_manager.h"

namespace gatehouse::cli {
namespace {

constexpr auto stop_poll = std::chrono::milliseconds(50);
constexpr auto cut_time = std::chrono::milliseconds(500);  // between cutting connections and ending the workers
constexpr std::size_t config_bytes_most = 1 << 20;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

conf::Finding finding(const std::string& path, const std::string& what) { return {{}, path, what}; }

void errors_first(conf::Findings& findings) {
  std::stable_partition(findings.begin(), findings.end(),
                        [](const conf::Finding& each) { return each.severity == conf::Severity::error; });
}

// Those of `now` that neither of the others has.
conf::Findings new_findings(const conf::Findings& now, const conf::Findings& before, const conf::Findings& told) {
  std::set<std::string> known;
  for (const conf::Findings* findings : {&before, &told})
    for (const conf::Finding& each : *findings) known.insert(each.text());
  conf::Findings out;
  for (const conf::Finding& each : now)
    if (known.insert(each.text()).second) out.push_back(each);
  return out;
}

// The first error, as the history tells it, and how many more there are. REQUIRES one.
std::string refusal_text(const conf::Findings& findings) {
  const auto is_error = [](const conf::Finding& each) { return each.severity == conf::Severity::error; };
  const auto first = std::find_if(findings.begin(), findings.end(), is_error);
  const auto more = std::count_if(first + 1, findings.end(), is_error);
  std::string out = first->text();
  if (more != 0) out += ", and " + std::to_string(more) + " more error" + (more == 1 ? "" : "s");
  return out;
}

std::string text_or_empty(const std::string& file) {
  const Result<FileContent> content = read_file(file, config_bytes_most);
  return content ? content->bytes : std::string();
}

}  // namespace

Door::Door(asio::io_context& io, conf::ReadConfig read)
    : io_(io),
      config_(std::move(read.config)),
      config_findings_(std::move(read.findings)),
      positions_(std::move(read.positions)),
      config_text_(std::move(read.text)),
      history_(config_.node.state + "/history.jsonl"),
      dice_(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())),
      files_(home_of(config_)),
      memory_(config_.node.state),
      watch_timer_(io),
      endings_timer_(io),
      stop_timer_(io),
      listen_timer_(io),
      failover_timer_(io),
      guard_timer_(io),
      takeover_timer_(io),
      children_(io),
      crawler_desk_(io, [this](const IpAddress& client, const std::string& crawler, ratelimit::CrawlerState state) {
        crawler_judged(client, crawler, state);
      }) {}

Door::~Door() {
  admin_.reset();
  metrics_.reset();
  prober_.reset();
  shared_.passwords.stop();
  for (auto& worker : workers_) worker->stop_and_join();
  access_log_.reset();  // writes what the workers' rings still hold
  tunnels_.end();
  close_guard();
  workers_.clear();
}

void Door::note(const std::string& what, const std::string& text, const std::string& by) {
  history_.add({wall_ms(), what, text, by});
  by.empty() ? events_->info(text, {{"what", what}}) : events_->info(text, {{"what", what}, {"by", by}});
}

void Door::warn(const std::string& what, const std::string& text, const std::string& by) {
  history_.add({wall_ms(), what, text, by});
  by.empty() ? events_->warning(text, {{"what", what}}) : events_->warning(text, {{"what", what}, {"by", by}});
}

void Door::tell(const std::string& what, const conf::Finding& finding) {
  history_.add({wall_ms(), what, finding.text(), {}});
  const std::string text = finding.text_without_severity();  // the line has its level
  finding.severity == conf::Severity::note ? events_->info(text, {{"what", what}})
                                           : events_->warning(text, {{"what", what}});
}

// "gatehouse.yaml:3:12: metrics.address: …": what to look at when a start fails.
std::string Door::at_key(const std::string& path, const Error& error) const {
  conf::Findings one{finding(path, error.what)};
  conf::place(one, positions_);
  return one[0].text();
}

// The folders we write in, made while we may and given to the user who will.
Status Door::open_folders(const UserIds* user) {
  const std::string of_socket = std::filesystem::path(config_.admin.socket).parent_path();
  for (const auto& [key, folder] :
       {std::pair("node.state", config_.node.state), std::pair("admin.socket", of_socket)}) {
    if (folder.empty()) continue;
    std::error_code error;
    const bool made = std::filesystem::create_directories(folder, error);
    if (error) return Error{Errc::io, at_key(key, {Errc::io, folder + ": " + error.message()})};
    if (user != nullptr && made && ::chown(folder.c_str(), user->uid, user->gid) < 0)
      return Error{Errc::io, folder + ": chown: " + std::strerror(errno)};
  }
  return Done{};
}

Status Door::become_user() {
  const std::string name = serving_user(config_);
  const bool drops = ::geteuid() == 0 && !name.empty();
  Result<UserIds> user = UserIds{};
  if (drops) user = find_user(name);
  if (!user) return Error{Errc::io, at_key("node.user", user.error())};
  if (const Status opened = open_folders(drops ? &*user : nullptr); !opened) return opened;
  if (drops)
    if (const Status dropped = drop_privileges(*user); !dropped) return dropped;
  return harden_process();
}

// Drains, history and the key of sticky cookies belong to one door.
Status Door::take_state() {
  if (state_lock_) return Done{};  // with the rest of what we inherit
  Result<UniqueFd> lock = lock_file(state_file("lock"));
  if (!lock && lock.error().code == Errc::unavailable)
    return Error{Errc::unavailable,
                 "node.state: " + config_.node.state +
                     ": another gatehouse uses it; give each a folder of its own, or replace it: run --takeover"};
  if (!lock) return lock.error();
  state_lock_ = std::move(*lock);
  return Done{};
}

Status Door::open_control() {
  Result<std::unique_ptr<HttpServer>> admin = serve_unix(
      io_, config_.admin.socket, config_.admin.group,
      [this](const HttpRequest& request) { return answer_admin(*this, request); },
      open_sockets_.take_unix(config_.admin.socket));
  if (!admin) return Error{Errc::io, at_key("admin.socket", admin.error())};
  admin_ = std::move(*admin);
  ServerLimits limits{.peer_connections_most = 16, .io_time = std::chrono::seconds(5)};
  limits.admits = [this](const IpAddress& peer) { return is_in(config_.metrics.allow, peer); };
  Result<std::unique_ptr<HttpServer>> metrics = serve_tcp(
      io_, config_.metrics.address, [this](const HttpRequest& request) { return answer_metrics(*this, request); },
      std::move(limits), open_sockets_.take(config_.metrics.address));
  if (!metrics) return Error{Errc::io, at_key("metrics.address", metrics.error())};
  metrics_ = std::move(*metrics);
  return Done{};
}

Status Door::start_threads() {
  if (config_.access_log.to != "off") {
    Result<std::unique_ptr<LogWriter>> log = LogWriter::open(config_.access_log.to);
    if (!log) return Error{Errc::io, at_key("logs.access.to", log.error())};
    access_log_ = std::move(*log);
    shared_.nudge_log = [this] { access_log_->nudge(); };
  }
  shared_.close_idle = [this](std::uint32_t endpoint) {
    for (auto& worker : workers_) worker->close_idle(endpoint);
  };
  shared_.warn = [this](const std::string& text) {
    asio::post(io_, [this, text] { events_->warning(text, {{"what", "backend"}}); });
  };
  shared_.reaper = [this](proxy::WorldPtr world) { asio::post(io_, [gone = std::move(world)] {}); };
  prober_ = std::make_unique<pool::Prober>(
      [this](const pool::Prober::Change& change) {
        asio::post(io_, [this, change] {
          const std::string text = "endpoint " + change.endpoint + " of " + change.service + ": " +
                                   std::string(pool::name_of(change.before)) + " -> " +
                                   std::string(pool::name_of(change.after)) + " (" + change.output + ")";
          change.after == pool::Health::up ? note("health", text) : warn("health", text);
          withdraw_by(change);
          look_at_pools();
          if (change.after == pool::Health::down)
            for (const auto& consul : consuls_)
              consul->check_failed(change.of_service, change.endpoint, change.datacenter);
          look_at_failovers();
        });
      },
      dice_.roll());
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const unsigned count = config_.workers != 0 ? config_.workers : cores;
  const WallTime now = std::chrono::system_clock::now();
  if (inheritance_) tickets_ = TicketKeys::from_bytes(inheritance_->tickets, now);
  if (!tickets_) tickets_.emplace(TicketKeys::make_secret(now), now);
  shared_.workers = count;
  for (unsigned i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<proxy::Worker>(i, shared_, dice_.roll(), *tickets_));
    if (access_log_) access_log_->add(workers_.back()->access_log);
  }
  tunnels_.start(workers_, dice_.roll());
  return Done{};
}

void Door::withdraw_by(const pool::Prober::Change& change) {
  if (const proxy::ServicePool* pool = world_->find(change.service))
    withdraw(proxy::withdrawn_by(*pool, change.id, change.before, change.after));
}

void Door::withdraw(const std::vector<std::uint32_t>& endpoints) {
  for (const std::uint32_t id : endpoints)
    for (auto& worker : workers_) worker->withdraw(id);
}

// Two primaries at once, or nobody healthy at all, are somebody's emergency: told when it begins and when it is over.
void Door::look_at_pools() {
  std::map<std::string, std::string> found;
  for (const proxy::PoolPtr& pool : world_->pools()) {
    const std::optional<Emergency> emergency = emergency_of(*pool);
    if (!emergency) continue;
    if (!emergencies_.contains(pool->service->name)) tell("health", emergency->finding);
    found.emplace(pool->service->name, emergency->over);
  }
  for (const auto& [service, over] : emergencies_)
    if (!found.contains(service)) note("health", service + ": " + over);
  emergencies_ = std::move(found);
}

// As who serves, so that a reload can read them too.
Status Door::begin_tunnels() {
  if (const Status bound = tunnels_.bind_local(config_.tunnel); !bound)
    return Error{Errc::io, at_key("tunnel", bound.error())};
  conf::Findings findings = tunnels_.take_keys(config_.tunnel);
  conf::place(findings, positions_);
  errors_first(findings);
  if (conf::has_error(findings)) return Error{Errc::invalid, refusal_text(findings)};
  conf::add_findings(config_findings_, findings);
  return Done{};
}

Status Door::start(bool takeover, std::function<void()> serving) {
  serving_ = std::move(serving);
  open_sockets_.add_from_environment();
  if (takeover)
    if (const Status inherited = inherit(); !inherited) return inherited;
  if (const Status bound = bind_listeners(config_.listen, listeners_); !bound)
    return Error{Errc::io, at_key("listen", bound.error())};
  if (const Status bound = tunnels_.bind(config_.tunnel); !bound)
    return Error{Errc::io, at_key("tunnel", bound.error())};
  const Result<std::uint64_t> descriptors = raise_descriptor_limit();
  if (!descriptors) return descriptors.error();
  shared_.descriptors_most = *descriptors;
  // Each connection may have one to a backend; an eighth is for everything else.
  const std::uint64_t connections = (*descriptors - *descriptors / 8) / 2;
  shared_.connections_most = config_.limits.connections != 0 ? config_.limits.connections : connections;
  if (const Status user = become_user(); !user) return user;
  if (const Result<FileContent> again = read_file(config_.file, config_bytes_most); !again)
    return Error{Errc::io,
                 again.error().what + ": " + serving_user(config_) + " must be able to read it for a reload"};
  if (const Status taken = take_state(); !taken) return taken;
  Result<std::unique_ptr<EventLog>> events = EventLog::open(config_.event_log);
  if (!events) return Error{Errc::io, at_key("logs.events.to", events.error())};
  events_ = std::move(*events);
  if (const Status tunnels = begin_tunnels(); !tunnels) return tunnels;
  load_state();
  if (const Status key = load_sticky_key(); !key) return Error{Errc::io, at_key("node.state", key.error())};
  open_guard();
  if (const Status threads = start_threads(); !threads) return threads;
  load_memory();
  watch_consul();  // begins with what was known
  configure_issuer();
  read_catalog();
  rebuild("start");
  tell_endings();
  if (const Status control = open_control(); !control) return control;
  watch_files();
  inheritance_ ? wait_until_known() : begin_serving();  // the last that can fail is behind us
  return Done{};
}

bool Door::file_differs() const { return text_or_empty(config_.file) != config_text_; }

ReloadResult Door::reload(const std::string& by) {
  ReloadResult result;
  if (stopping_) {
    result.findings.push_back(finding("", "gatehouse is stopping"));
    return result;
  }
  const conf::Surroundings around = conf::surroundings_of_process(config_.file);
  conf::ReadConfig read = conf::read_config(config_.file, around);
  result.findings = read.findings;
  conf::add_findings(result.findings, conf::check_config(read));
  if (!conf::has_error(result.findings)) {
    for (const conf::Difference& line : conf::diff_config(config_, read.config).lines) {
      if (line.at_start) result.findings.push_back(finding(line.path, "takes a restart: " + line.text()));
      result.changes.push_back(line.text());
    }
  }
  std::vector<proxy::OpenListener> listeners;
  if (!conf::has_error(result.findings))
    if (const Status bound = tunnels_.bind(read.config.tunnel); !bound)
      result.findings.push_back(finding("tunnel", bound.error().what));
  if (!conf::has_error(result.findings))
    if (const Status bound = tunnels_.bind_local(read.config.tunnel); !bound)
      result.findings.push_back(finding("tunnel", bound.error().what));
  if (!conf::has_error(result.findings))
    if (const Status bound = bind_listeners(read.config.listen, listeners); !bound)
      result.findings.push_back(finding("listen", bound.error().what));
  if (!conf::has_error(result.findings))
    if (const Status changed = events_->change(read.config.event_log); !changed)
      result.findings.push_back(finding("logs.events.to", changed.error().what));
  if (!conf::has_error(result.findings)) conf::add_findings(result.findings, tunnels_.take_keys(read.config.tunnel));
  conf::place(result.findings, read.positions);
  errors_first(result.findings);
  for (const conf::Finding& each : result.findings)
    events_->warning(each.text_without_severity(), {{"what", "configuration"}});
  if (conf::has_error(result.findings)) {
    warn("configuration", "reload refused: " + refusal_text(result.findings), by);
    return result;
  }
  const conf::Findings before = findings();
  const bool other_folder = read.config.certificates.files != config_.certificates.files;
  config_ = std::move(read.config);
  config_findings_ = result.findings;
  positions_ = std::move(read.positions);
  files_.set_home(home_of(config_));
  config_text_ = std::move(read.text);
  listeners_ = std::move(listeners);
  if (other_folder) certificate_folder_.reset();
  configure_issuer();
  watch_consul();
  read_catalog();
  rebuild("reload");
  watch_files();
  result.applied = true;
  conf::add_findings(result.findings, new_findings(findings(), before, config_findings_));
  errors_first(result.findings);
  std::string text = "reloaded";
  for (const std::string& change : result.changes) text += "; " + change;
  note("configuration", text, by);
  return result;
}

void Door::reopen_logs() {
  if (const Status reopened = events_->reopen(); !reopened)
    warn("process", "log not reopened: " + reopened.error().what);
  if (!access_log_) return;
  if (const Status reopened = access_log_->reopen(); !reopened)
    warn("process", "log not reopened: " + reopened.error().what);
}

void Door::stop(std::function<void()> ended) {
  if (stopping_) return;
  stopping_ = true;
  ended_ = std::move(ended);
  note("process", "stopping");
  tell_service_manager("STOPPING=1");
  offer_.reset();
  stop_heir();
  for (const auto& consul : consuls_) consul->leave();
  if (issuer_) issuer_->stop();
  stop_timer_.expires_after(config_.limits.shutdown_delay);
  stop_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) close_listeners();
  });
}

void Door::close_listeners() {
  for (auto& worker : workers_) worker->drain();
  tunnels_.drain();
  listen_timer_.cancel();
  listeners_.clear();
  tcp_listeners_.clear();
  stop_deadline_ = std::chrono::steady_clock::now() + config_.limits.shutdown_time;
  wait_for_the_last();
}

// A worker that drained has counted whom it accepted last.
void Door::wait_for_the_last() {
  const bool empty = shared_.workers_drained.load(std::memory_order_acquire) == workers_.size() &&
                     shared_.open_connections.load(std::memory_order_relaxed) == 0;
  const auto now = std::chrono::steady_clock::now();
  if (!empty && now >= stop_deadline_)
    for (auto& worker : workers_) worker->cut();
  if (!empty && now >= stop_deadline_) tunnels_.cut();
  if (empty || now >= stop_deadline_ + cut_time) return ended_();
  stop_timer_.expires_after(stop_poll);
  stop_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_for_the_last();
  });
}

}  // namespace gatehouse::cli
