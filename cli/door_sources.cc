// What the world is made of: the catalog's table, certificates, addresses, settings; and what is kept on disk.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/catalog_input.h"
#include "cli/certificate_findings.h"
#include "cli/door.h"
#include "cli/file_findings.h"
#include "conf/auth_load.h"
#include "conf/catalog/entry_routes.h"
#include "conf/catalog/holders.h"
#include "conf/catalog/own_address.h"
#include "conf/catalog/spellings.h"
#include "conf/check.h"
#include "conf/tcp_claims.h"
#include "conf/values.h"
#include "net/atomic_file.h"
#include "net/local_addresses.h"
#include "net/placeholder.h"
#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t state_bytes_most = 1 << 20;

std::int64_t steady_ms() { return pool::ms_of(Clock::now()); }

}  // namespace

void Door::load_state() {
  history_.load();
  load_failovers();
  load_maintenance();
  const Result<FileContent> file = read_file(state_file("drained"), state_bytes_most);
  if (!file) {
    if (file.error().code != Errc::unavailable) warn("process", "drains are not known: " + file.error().what);
    return;
  }
  std::string_view rest = file->bytes;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    if (end > 0) drained_.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

Status Door::save_drains() const {
  std::string text;
  for (const std::string& each : drained_) text += each + "\n";
  return write_file_atomically(state_file("drained"), text, 0600);
}

// The key of sticky cookies outlives a restart, so that clients keep their endpoints.
Status Door::load_sticky_key() {
  pool::StickyKey key{};
  const std::string file = state_file("sticky.key");
  const Result<FileContent> known = read_file(file, state_bytes_most);
  if (!known && known.error().code != Errc::unavailable) return known.error();
  if (known && known->bytes.size() == key.size()) {
    std::copy(known->bytes.begin(), known->bytes.end(), key.begin());
  } else {
    if (RAND_bytes(key.data(), key.size()) != 1) return Error{Errc::io, "the system has no randomness"};
    const std::string text(key.begin(), key.end());
    if (const Status written = write_file_atomically(file, text, 0600); !written) return written;
  }
  sticky_keys_ = {key};
  return Done{};
}

void Door::read_certificates() {
  const auto now = std::chrono::system_clock::now();
  const std::vector<HostCertificate> assigned = assigned_certificates(table_->hosts);
  CertificateFolder::Reading reading;
  if (!config_.certificates.files.empty()) {
    if (!certificate_folder_) certificate_folder_ = std::make_unique<CertificateFolder>(config_.certificates.files);
    reading = certificate_folder_->read(now, by_certificate(assigned));
  }
  conf::Findings findings = cli::certificate_findings(reading, assigned, config_.certificates.files);
  conf::place(findings, positions_);
  for (const conf::Finding& each : findings) {
    const bool known = std::any_of(certificate_findings_.begin(), certificate_findings_.end(),
                                   [&](const conf::Finding& before) { return before.text() == each.text(); });
    if (!known) tell("certificate", each);
  }
  certificate_findings_ = std::move(findings);
  if (!placeholder_) {
    const Result<CertificatePtr> made = make_placeholder({config_.node.name, "localhost"}, now);
    if (made) placeholder_ = *made;
  }
  brought_ = std::move(reading.certificates);
  assigned_ = assigned;
  want_certificates();
  assemble_certificates();
}

void Door::tell_endings() {
  const auto now = std::chrono::system_clock::now();
  for (const conf::Finding& each : ending_certificates(brought_, config_.certificates.files, now))
    if (told_endings_.insert(each.text()).second) tell("certificate", each);
  endings_timer_.expires_after(std::chrono::hours(1));
  endings_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tell_endings();
  });
}

conf::Findings Door::certificate_findings() const {
  conf::Findings out = certificate_findings_;
  const auto now = std::chrono::system_clock::now();
  conf::add_findings(out, ending_certificates(brought_, config_.certificates.files, now));
  conf::add_findings(out, issuer_findings());
  return out;
}

conf::Findings Door::findings() const {
  conf::Findings out = certificate_findings();
  conf::add_findings(out, world_->findings());
  return out;
}

// Those of gatehouse.yaml, those of another datacenter that ours may go to, and those that config entries lead to.
std::set<std::string> Door::wanted() const {
  std::set<std::string> names;
  for (const auto& [name, layer] : config_.services)
    if (name != "*") names.insert(name);
  if (table_)
    for (const auto& service : table_->services)
      if (!service->failover.datacenter.empty()) names.insert(catalog::service_of(service->name));
  for (const auto& [name, away] : failovers_.away()) names.insert(catalog::service_of(name));
  if (entries_.empty()) return names;
  std::set<std::string> roots = names;
  if (table_)
    for (const auto& service : table_->services) roots.insert(catalog::service_of(service->name));
  for (const std::string& root : roots)
    for (const std::string& name : entries_.leads_to(root)) names.insert(name);
  return names;
}

// A server that is asked as before keeps what it knows.
void Door::watch_consul() {
  auto before = std::exchange(consuls_, {});
  for (const conf::ConsulServer& server : config_.catalog.consul) {
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const auto& each) { return each && each->server() == server; });
    if (known != before.end()) {
      consuls_.push_back(std::move(*known));
      consuls_.back()->watch_services();  // the spellings may be others
      continue;
    }
    const auto on_change = [this](const std::string& cause) {
      gather();
      rebuild(cause);
    };
    const auto is_ours = [this](const std::string& tag) {
      return catalog::is_on(config_, catalog::spelling_of(tag));
    };
    consuls_.push_back(std::make_unique<catalog::ConsulSource>(io_, server, wanted(), is_ours, own_service(server),
                                                               dice_.roll(), on_change));
    catalog::SourceInstances known_before = memory_.known_to(consuls_.back()->name());
    // One that had no datacenter and is given one is asked the same as before.
    if (known_before.instances.empty())
      for (const auto& each : before)
        if (each && each->server().datacenter.empty() && each->server().address == server.address)
          known_before = memory_.known_to(each->name());
    consuls_.back()->remember(known_before);
  }
  for (auto& each : before)
    if (each) leave_consul(std::move(each));
}

// Nobody else may find the door where it isn't any more; but what is registered anew stays.
void Door::leave_consul(std::unique_ptr<catalog::ConsulSource> source) {
  const bool anew = std::ranges::any_of(consuls_, [&](const auto& each) { return each->registers_as(*source); });
  if (anew) return;
  catalog::ConsulSource* leaves = leaving_.emplace_back(std::move(source)).get();
  leaves->leave([this, leaves] {
    asio::post(io_,
               [this, leaves] { std::erase_if(leaving_, [&](const auto& each) { return each.get() == leaves; }); });
  });
}

std::vector<catalog::ConsulSource::View> Door::consul_views() const {
  std::vector<catalog::ConsulSource::View> out;
  for (const auto& consul : consuls_) out.push_back(consul->view());
  return out;
}

catalog::OwnService Door::own_service(const conf::ConsulServer& server) const {
  catalog::OwnService own;
  own.name = server.register_as;
  own.id = own.name + "-" + config_.node.name;
  own.epoch = epoch_;
  own.version = GATEHOUSE_VERSION;
  if (config_.listen.empty()) return own;
  const SocketAddress& first = config_.listen.front().address;
  own.port = first.port;
  const bool is_any = first.ip == IpAddress() || first.ip == IpAddress::v4(0, 0, 0, 0);
  if (!is_any) own.address = first.ip.text();
  return own;
}

std::shared_ptr<const proxy::Settings> Door::make_settings() const {
  auto settings = std::make_shared<proxy::Settings>();
  settings->node = config_.node.name;
  settings->limits = config_.limits;
  settings->trusted_proxies = config_.trusted_proxies;
  settings->access_log = config_.access_log.to != "off";
  settings->redact = config_.access_log.redact;
  settings->redact_query = std::erase(settings->redact, "query") > 0;
  settings->guard = guard_rules();
  for (const conf::Listen& listen : config_.listen)
    if (listen.tls && settings->https_port == 0) settings->https_port = listen.address.port;
  return settings;
}

void Door::rebuild(const std::string& cause) {
  read_table();
  std::set<std::string> singles;
  for (const auto& service : table_->services)
    if (service->single) singles.insert(service->name);
  for (const auto& consul : consuls_) consul->never_hold(singles);
  read_certificates();  // hosts may be assigned by routes
  publish(cause);
}

// Whether it is known what the node's own datacenter has.
catalog::HomeNews Door::at_home() const {
  for (const auto& consul : consuls_) {
    if (config_.node.datacenter.empty() || consul->server().datacenter != config_.node.datacenter) continue;
    if (consul->is_heard() && consul->view().good_at_ms != 0) return catalog::HomeNews::heard;
    return consul->view().fault == catalog::ConsulFault::none ? catalog::HomeNews::silent : catalog::HomeNews::dead;
  }
  return catalog::HomeNews::heard;
}

void Door::read_table() {
  catalog::TranslateInput input = translate_input(instances_.instances, config_);
  // Of a run that has served nothing yet it is the run before that tells who holds what.
  const bool begun = table_ && !table_->services.empty();
  conf::RoutingTable last_run;
  if (!begun) last_run = catalog::table_of_holders(holders_, instances_.instances);
  input.previous = begun ? table_.get() : &last_run;
  input.entries = entries_;
  for (const auto& [service, away] : failovers_.away()) input.failed_over[service] = away.datacenter;
  input.at_home = at_home();
  auto table = std::make_shared<conf::RoutingTable>(catalog::translate(input));
  std::set<std::string> names;
  for (const conf::Instance& instance : instances_.instances) names.insert(instance.service);
  conf::Findings findings = config_findings_;
  for (const conf::Findings& more : {instances_.findings, table->findings, backend_tls_.update(table->services),
                                     file_findings(table->services), conf::check_listed_services(config_, names)})
    conf::add_findings(findings, more);
  conf::place(findings, positions_);
  table->findings = std::move(findings);
  table_ = std::move(table);
  for (const auto& consul : consuls_) consul->want(wanted());
}

void Door::publish(const std::string& cause) {
  std::vector<std::string> names = proxy::names_to_resolve(*table_);
  const std::set<std::string> of_tunnels = tunnel::names_of(config_.tunnel);
  names.insert(names.end(), of_tunnels.begin(), of_tunnels.end());
  if (!names.empty() && !resolver_) {
    Result<std::unique_ptr<Resolver>> made = Resolver::make(
        Resolver::Options{}, [this](std::function<void()> work) { asio::post(io_, std::move(work)); },
        [this] { publish("names"); });
    made ? void(resolver_ = std::move(*made))
         : warn("process", made.error().what + "; tried again at the next change");
  }
  if (resolver_) {
    resolver_->resolve({names.begin(), names.end()});
    addresses_.clear();
    for (const auto& [name, found] : *resolver_->snapshot()) addresses_[name] = found.addresses;
  }

  proxy::WorldInputs inputs;
  inputs.addresses = &addresses_;
  inputs.sticky_keys = sticky_keys_;
  inputs.zone = config_.node.zone;
  inputs.workers = static_cast<unsigned>(workers_.size());
  inputs.settings = make_settings();
  inputs.certificates = certificates_;
  inputs.challenges = challenges_;
  inputs.tls_policy = [this](const conf::Service& service) { return backend_tls_.policy(service); };
  publish_tunnels();
  inputs.dialer = [this](const conf::Service& service) { return tunnels_.dialer(service.through.tunnel); };
  inputs.own_address = [this, tcp = conf::tcp_addresses(*table_),
                        local = local_addresses()](const SocketAddress& address) {
    return catalog::own_address(address, config_, tcp, local);
  };
  inputs.now = Clock::now();
  const proxy::WorldPtr before = world_;
  world_ = proxy::build_world(table_, before.get(), registry_, inputs);
  std::erase_if(published_, [](const auto& world) { return world.expired(); });
  published_.push_back(world_);
  apply_drains();
  apply_maintenance();
  for (auto& worker : workers_) worker->publish(world_);
  if (before) withdraw(proxy::withdrawn_by(*before, *world_));
  listen();
  probe_world();
  note_world(before.get(), cause);
  look_at_pools();
  look_at_failovers();
}

std::size_t Door::worlds_live() const {
  return static_cast<std::size_t>(
      std::count_if(published_.begin(), published_.end(), [](const auto& world) { return !world.expired(); }));
}

// An endpoint is probed once, whoever has it in its pool: as its own service says, where that one is served.
void Door::probe_world() {
  std::vector<pool::Probed> probed;
  std::map<const pool::EndpointState*, std::size_t> known;
  for (const proxy::PoolPtr& pool : world_->pools()) {
    pool->each_endpoint([&](const pool::Endpoint& endpoint) {
      pool::Probed each;
      for (const conf::HealthCheck* check : pool::checks_of(*pool->service, *endpoint.instance)) {
        each.checks.push_back(*check);
        each.addresses.push_back(proxy::check_address(*check, endpoint, addresses_));
      }
      if (each.checks.empty()) return;
      each.service = pool->service;
      each.endpoint = endpoint;
      each.tls = pool->tls;
      if (endpoint.through) each.dialer = pool->dialer;
      const auto [place, fresh] = known.try_emplace(endpoint.live, probed.size());
      if (fresh)
        probed.push_back(std::move(each));
      else if (endpoint.instance->service == pool->service->name)
        probed[place->second] = std::move(each);
    });
  }
  prober_->watch(std::move(probed));
}

// An endpoint that several services have in their pools is drained by the word of any.
void Door::apply_drains() {
  std::map<pool::EndpointState*, bool> drains;
  for (const proxy::PoolPtr& pool : world_->pools()) {
    const std::string& service = pool->service->name;
    pool->each_endpoint([&](const pool::Endpoint& endpoint) {
      bool& drain = drains[endpoint.live];
      drain = drain || drained_.contains(service) || drained_.contains(service + "/" + endpoint.name) ||
              drained_.contains(service + "/" + endpoint.instance->id);
    });
  }
  for (const auto& [state, drain] : drains) {
    auto& since = state->draining_since_ms;
    if (!drain)
      since.store(0, std::memory_order_relaxed);
    else if (since.load(std::memory_order_relaxed) == 0)
      since.store(steady_ms(), std::memory_order_relaxed);
  }
}

Status Door::set_drain(const std::string& target, bool drain, const std::string& by) {
  const std::string service = target.substr(0, target.find('/'));
  if (target.ends_with('/')) return invalid(target + ": write SERVICE, or SERVICE/ENDPOINT");
  const proxy::ServicePool* pool = world_->find(service);
  if (pool == nullptr && drain) {
    std::vector<std::string_view> known;
    for (const proxy::PoolPtr& each : world_->pools()) known.push_back(each->service->name);
    return invalid("there is no service " + service + conf::did_you_mean(conf::nearest(service, known)));
  }
  const std::string endpoint = target.size() > service.size() ? target.substr(service.size() + 1) : "";
  if (pool != nullptr && !endpoint.empty() && drain) {
    bool known = false;
    pool->each_endpoint(
        [&](const pool::Endpoint& each) { known = known || each.name == endpoint || each.instance->id == endpoint; });
    if (!known) return invalid("service " + service + " has no endpoint " + endpoint);
  }
  if (drain)
    drained_.insert(target);
  else if (drained_.erase(target) == 0)
    return invalid(drained_.contains(service)
                       ? service + " is drained as a whole; `gatehouse undrain " + service + "`"
                       : target + " is not drained");
  apply_drains();
  const std::string what = (drain ? "drain " : "undrain ") + target;
  note("command", what, by);
  look_at_pools();
  look_at_failovers();
  if (const Status saved = save_drains(); !saved) {
    warn("process", what + " holds until the next start alone: " + saved.error().what);
    return Error{saved.error().code, "done, but it will not outlive a restart: " + saved.error().what};
  }
  return Done{};
}

std::vector<std::string> Door::paths_to_watch() const {
  std::vector<std::string> paths = backend_tls_.files();
  for (const std::string& path : conf::password_files(config_)) paths.push_back(path);
  for (const std::string& path : {config_.catalog.files, config_.certificates.files})
    if (!path.empty()) paths.push_back(path);
  const std::set<std::string> keys = tunnel::key_paths(config_.tunnel);
  paths.insert(paths.end(), keys.begin(), keys.end());
  return paths;
}

void Door::watch_files() {
  watched_ = paths_to_watch();
  watch_descriptor_.reset();
  watch_ = std::make_unique<FileWatch>(watched_, Clock::now());
  // Where none is to be had it is polled.
  if (const int own = ::dup(watch_->fd()); own >= 0)
    watch_descriptor_ = std::make_unique<asio::posix::stream_descriptor>(io_, own);
  wait_for_changes();
}

void Door::wait_for_changes() {
  const auto look = [this] {
    if (watch_->poll(Clock::now())) files_changed();
    wait_for_changes();
  };
  watch_timer_.cancel();
  if (watch_descriptor_) {
    watch_descriptor_->cancel();
    watch_descriptor_->async_wait(asio::posix::stream_descriptor::wait_read, [look](boost::system::error_code error) {
      if (!error) look();
    });
  }
  auto deadline = watch_->deadline();
  if (!watch_descriptor_)
    deadline = std::min(deadline.value_or(TimePoint::max()), Clock::now() + FileWatch::stat_interval);
  if (!deadline) return;
  watch_timer_.expires_at(*deadline);
  watch_timer_.async_wait([look](boost::system::error_code error) {
    if (!error) look();
  });
}

void Door::files_changed() {
  reread_tunnel_keys();
  read_catalog();
  rebuild("files");
  if (watched_ != paths_to_watch()) watch_files();
}

}  // namespace gatehouse::cli
