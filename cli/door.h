// door.h: the running program, wired: configuration, catalog, certificates, world, workers, probes, logs.
//   Everything that changes goes one way: sources -> routing table -> world -> published to every worker. A bad
//   source keeps its last good; reload is all or nothing.
//   Threads  control (the io_context's) for everything here; it owns the other threads and outlives them.
//   Files    door.cc start, reload, stop; door_sources.cc what the world is made of; door_catalog.cc what of the
//            catalog is in force; door_failover.cc which datacenter serves; door_maintenance.cc who is under
//            maintenance; door_listeners.cc where it listens; door_guard.cc whom it limits and bans;
//            door_certificates.cc those that are obtained; door_takeover.cc whom it replaces, and who replaces it.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "acme/issuer_io.h"
#include "cli/backend_tls.h"
#include "cli/catalog_memory.h"
#include "cli/crawler_desk.h"
#include "cli/event_log.h"
#include "cli/guard_desk.h"
#include "cli/history.h"
#include "cli/takeover_io.h"
#include "cli/tunnels.h"
#include "conf/catalog/config_entries.h"
#include "conf/catalog/consul_source_io.h"
#include "conf/catalog/datacenters.h"
#include "conf/catalog/file_source.h"
#include "conf/reader.h"
#include "net/asio.h"
#include "net/certificate_folder_io.h"
#include "net/dice.h"
#include "net/file_watch.h"
#include "net/log_writer.h"
#include "net/open_sockets.h"
#include "net/privileges.h"
#include "net/resolver.h"
#include "net/unique_fd.h"
#include "proxy/pool/endpoint_registry.h"
#include "proxy/pool/failover.h"
#include "proxy/probe/prober_io.h"
#include "proxy/worker_io.h"
#include "proxy/world.h"

namespace gatehouse::cli {

struct ReloadResult {
  bool applied = false;
  conf::Findings findings;           // why not; or warnings, and what the catalog and the rest make of it now
  std::vector<std::string> changes;  // "limits.header_time: 10s -> 5s"
};

class HttpServer;

class Door {
 public:
  // `read`: without errors; what else there is to say of it goes to `status`.
  Door(asio::io_context& io, conf::ReadConfig read);
  ~Door();

  // Binds, drops privileges, reads everything, starts every thread; then it serves, and says so by `serving`: at once,
  // or where it takes over from a running one when it knows as much as that one does.
  Status start(bool takeover, std::function<void()> serving);
  // SIGTERM: readiness fails; after limits.shutdown_delay listeners close, requests finish within
  // limits.shutdown_time; then `ended` is called.
  void stop(std::function<void()> ended);

  ReloadResult reload(const std::string& by);
  // Starts the program that stands where ours did, to take over from us. Gives its pid; if it fails we go on.
  Result<pid_t> upgrade(const std::string& by);
  void reopen_logs();
  // `target` is SERVICE or SERVICE/ENDPOINT ("node/id" or just the id). Survives a restart.
  Status set_drain(const std::string& target, bool drain, const std::string& by);
  // To another datacenter's endpoints, until taken back; an empty `datacenter`: the one that the policy names; gives
  // which. Survives a restart.
  Result<std::string> fail_over(const std::string& service, const std::string& datacenter, const std::string& by);
  Status fail_back(const std::string& service, const std::string& by);
  // Its requests get 503 but from those whom its key `maintenance` lets in; for a time, or until taken back. Survives
  // a restart.
  Status set_maintenance(const std::string& service, bool on, std::optional<Millis> time, const std::string& by);
  // Ends what is held of `target`: SERVICE, SERVICE/ID or SERVICE/NODE/ID; empty: all. Gives how many.
  Result<std::size_t> approve(const std::string& target, const std::string& by);
  // What the catalog says from now on is not applied, or is again. Survives a restart.
  Status freeze_catalog(const std::string& by);
  Status unfreeze_catalog(const std::string& by);
  // Freezes it as it was at an earlier table; 0: the one before the present. Gives which one.
  Result<std::uint64_t> roll_back_catalog(std::uint64_t table, const std::string& by);

  // `target`: an address or network. Gives what was done, or why not.
  Result<std::string> add_ban(const std::string& target, Millis time, const std::string& by);
  Result<std::string> lift_ban(const std::string& target, const std::string& by);
  const GuardDesk& guard_desk() const { return guard_desk_; }

  // A key that came or went holds at once. Why not, or nothing: a file that is broken changes nothing.
  std::string reread_tunnel_keys();

  // True while this door should get traffic: started, not stopping.
  bool ready() const { return started_ && !stopping_; }
  bool stopping() const { return stopping_; }
  bool file_differs() const;  // gatehouse.yaml was changed since it was applied

  const conf::Config& config() const { return config_; }
  const proxy::WorldPtr& world() const { return world_; }
  std::span<const std::unique_ptr<proxy::Worker>> workers() const { return workers_; }
  const proxy::Shared& shared() const { return shared_; }
  const Tunnels& tunnels() const { return tunnels_; }
  const pool::Prober& prober() const { return *prober_; }
  History& history() { return history_; }
  const History& history() const { return history_; }
  const CatalogMemory& memory() const { return memory_; }
  conf::Findings certificate_findings() const;
  const acme::Issuer* issuer() const { return issuer_.get(); }  // null: none is obtained
  // One certificate, or all that are due or failed. Gives how many orders begin.
  Result<std::size_t> renew(const std::string& name, const std::string& by);
  Status revoke(const std::string& name, const std::string& reason, const std::string& by);
  Result<std::size_t> change_account_keys(const std::string& by);
  std::span<const std::unique_ptr<catalog::ConsulSource>> consuls() const { return consuls_; }
  const std::shared_ptr<const CertificateSet>& certificates() const { return certificates_; }
  std::vector<catalog::ConsulSource::View> consul_views() const;
  const std::set<std::string>& drained() const { return drained_; }  // "service" or "service/endpoint"
  const pool::Failovers& failovers() const { return failovers_; }
  std::int64_t started_at_ms() const { return started_at_ms_; }         // wall clock
  const conf::Findings& tcp_findings() const { return tcp_findings_; }  // addresses that can't be opened now
  const LogWriter* access_log() const { return access_log_.get(); }
  const EventLog& events() const { return *events_; }
  std::size_t worlds_live() const;  // the present one, and those that requests and workers still hold

 private:
  // door.cc
  Status become_user();
  Status take_state();
  Status open_folders(const UserIds* user);
  Status begin_tunnels();
  Status open_control();
  Status start_threads();
  conf::Findings findings() const;  // all there is to say now
  std::string at_key(const std::string& path, const Error& error) const;
  void close_listeners();
  void wait_for_the_last();
  void withdraw_by(const pool::Prober::Change& change);
  void withdraw(const std::vector<std::uint32_t>& endpoints);
  void look_at_pools();
  // For history and events; the second is of what somebody should look at.
  void note(const std::string& what, const std::string& text, const std::string& by = {});
  void warn(const std::string& what, const std::string& text, const std::string& by = {});
  void tell(const std::string& what, const conf::Finding& finding);

  // door_takeover.cc
  std::string takeover_socket() const;
  Status inherit();
  void wait_until_known();
  bool knows_enough() const;
  void begin_serving();
  void offer_to_heirs();
  Estate estate();
  void keep_all();  // who was about to take over did not
  void give_way(pid_t heir);
  void stop_heir();
  void wait_for_heir_to_fail();

  // door_listeners.cc
  Result<std::shared_ptr<ListenSocket>> open_socket(const SocketAddress& address);
  Status bind_listeners(const std::vector<conf::Listen>& wanted, std::vector<proxy::OpenListener>& out);
  std::shared_ptr<ListenSocket> socket_at(const SocketAddress& address) const;
  void listen();
  bool open_tcp_listeners();
  void publish_tunnels();  // as configuration, keys and names have them now

  // door_failover.cc
  void load_failovers();
  Status save_failovers() const;
  void look_at_failovers();  // after whatever may change who is usable

  // door_maintenance.cc
  void load_maintenance();
  Status save_maintenance() const;
  void apply_maintenance();

  // door_catalog.cc
  void load_memory();
  void read_catalog();  // the folder anew
  void gather();        // what all sources say now, or what is frozen
  void note_world(const proxy::World* before, const std::string& cause);
  Status apply_memory(const std::string& what, const std::string& by);

  // door_certificates.cc
  void configure_issuer();
  void want_certificates();
  void assemble_certificates();  // of those brought and those obtained
  void put_up(ChallengeBoardPtr board, std::function<void()> seen);
  conf::Findings issuer_findings() const;

  // door_sources.cc
  std::vector<std::string> paths_to_watch() const;
  void watch_files();
  void wait_for_changes();
  void files_changed();
  void watch_consul();                                               // as the configuration has it
  void leave_consul(std::unique_ptr<catalog::ConsulSource> source);  // that it has no more
  std::set<std::string> wanted() const;    // services that need no tag of ours to be watched
  void rebuild(const std::string& cause);  // reads all but the catalog anew
  catalog::HomeNews at_home() const;
  void read_table();
  void read_certificates();
  void tell_endings();                     // of certificates, once each; looks again every hour
  void publish(const std::string& cause);  // a world of what was read
  std::shared_ptr<const proxy::Settings> make_settings() const;

  // door_guard.cc
  void open_guard();
  void close_guard();
  std::vector<IpPrefix> never_banned() const;
  std::shared_ptr<const ratelimit::Rules> guard_rules() const;
  void look_after_guard();
  void save_bans();
  void crawler_judged(const IpAddress& client, const std::string& crawler, ratelimit::CrawlerState state);
  void probe_world();
  catalog::OwnService own_service(const conf::ConsulServer& server) const;
  void apply_drains();
  void load_state();
  Status save_drains() const;
  Status load_sticky_key();
  std::string state_file(const char* name) const { return config_.node.state + "/" + name; }

  asio::io_context& io_;
  conf::Config config_;
  conf::Findings config_findings_;
  conf::Positions positions_;  // of the file's keys
  std::string config_text_;    // of the file as it was applied
  bool started_ = false, stopping_ = false;
  std::int64_t started_at_ms_ = 0;
  UniqueFd state_lock_;
  OpenSockets open_sockets_;                // that somebody opened for us, until they are asked for
  std::optional<Inheritance> inheritance_;  // of whom we replace, until we serve
  std::unique_ptr<TakeoverOffer> offer_;    // to who replaces us
  bool gave_way_ = false;                   // the state folder is another's now
  pid_t heir_ = 0;                          // that upgrade() started, and that hasn't ended
  std::optional<TicketKeys> tickets_;       // as every worker has them
  std::function<void()> serving_;           // start()'s
  TimePoint known_by_{};                    // when we serve, whatever is known
  History history_;
  std::set<std::string> drained_;
  std::map<std::string, std::int64_t> maintenance_;  // of services, until when: ms since 1970
  pool::Failovers failovers_;
  Dice dice_;
  const std::string epoch_ = std::to_string(dice_.roll());  // of this run, in Consul

  // What the world is made of.
  catalog::FileSource files_;
  catalog::SourceState from_files_;
  std::vector<std::unique_ptr<catalog::ConsulSource>> consuls_;  // as in config_.catalog.consul
  std::vector<std::unique_ptr<catalog::ConsulSource>> leaving_;  // until they have taken back their registration
  CatalogMemory memory_;
  catalog::Snapshot holders_;  // of the last table of the run before
  std::unique_ptr<catalog::SnapshotWriter> holders_writer_;
  catalog::SourceState instances_;  // what is in force
  catalog::ConfigEntries entries_;  // the same of all Consuls; who comes first counts
  std::unique_ptr<CertificateFolder> certificate_folder_;
  std::unique_ptr<acme::Issuer> issuer_;
  std::string issuer_trouble_;  // why there is none
  bool assembles_soon_ = false;
  std::shared_ptr<const CertificateSet> certificates_;
  CertificatePtr placeholder_;
  std::vector<NamedCertificate> brought_;  // of files
  std::vector<HostCertificate> assigned_;
  ChallengeBoardPtr challenges_;
  conf::Findings certificate_findings_;  // of the last reading
  std::set<std::string> told_endings_;
  std::unique_ptr<Resolver> resolver_;
  proxy::Addresses addresses_;
  std::vector<pool::StickyKey> sticky_keys_;
  BackendTls backend_tls_;
  pool::EndpointRegistry registry_;
  std::shared_ptr<const conf::RoutingTable> table_;
  proxy::WorldPtr world_;
  std::vector<std::weak_ptr<const proxy::World>> published_;  // those that live, and some that died since
  std::unique_ptr<FileWatch> watch_;
  std::vector<std::string> watched_;
  std::unique_ptr<asio::posix::stream_descriptor> watch_descriptor_;
  asio::steady_timer watch_timer_, endings_timer_, stop_timer_, listen_timer_, failover_timer_, guard_timer_,
      takeover_timer_;
  asio::signal_set children_;

  // What serves.
  proxy::Shared shared_;
  GuardDesk guard_desk_;
  CrawlerDesk crawler_desk_;
  std::uint64_t swept_at_ = 0, saved_at_ = 0, save_after_ = 0, bans_saved_ = 0;  // steady ms; BanTable::changes
  std::future<Status> saving_;
  std::vector<proxy::OpenListener> listeners_;      // of gatehouse.yaml
  std::vector<proxy::OpenListener> tcp_listeners_;  // of the catalog
  conf::Findings tcp_findings_;
  std::map<std::string, std::string> emergencies_;  // of services, and what is to be said when they are over
  std::unique_ptr<LogWriter> access_log_;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<pool::Prober> prober_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  Tunnels tunnels_{shared_, open_sockets_};
  std::unique_ptr<HttpServer> admin_, metrics_;
  std::function<void()> ended_;
  std::chrono::steady_clock::time_point stop_deadline_;
};

}  // namespace gatehouse::cli
