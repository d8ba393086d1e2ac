// door.h: the running program, wired: configuration, catalog, certificates, world, workers, probes, logs.
//   Everything that changes goes one way: sources -> routing table -> world -> published to every worker. A bad source
//   keeps its last good; reload is all or nothing.
//   Threads  control (the io_context's) for everything here; it owns the other threads and outlives none of them.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cli/history.h"
#include "conf/catalog/file_source.h"
#include "conf/config.h"
#include "conf/finding.h"
#include "net/asio.h"
#include "net/certificate_folder_io.h"
#include "net/log_writer.h"
#include "proxy/pool/endpoint_registry.h"
#include "proxy/pool/prober_io.h"
#include "proxy/worker_io.h"
#include "proxy/world.h"

namespace gatehouse::cli {

struct ReloadResult {
  bool applied = false;
  conf::Findings findings;           // why not, or warnings
  std::vector<std::string> changes;  // "limits.header_time: 10s -> 5s"
};

class Door {
 public:
  Door(asio::io_context& io, conf::Config config);
  ~Door();

  // Binds, drops privileges, reads everything, starts every thread. Before it returns the door serves.
  Status start();
  // SIGTERM: readiness fails, listeners close, requests finish within limits.shutdown_time; then `ended` is called.
  void stop(std::function<void()> ended);

  ReloadResult reload(const std::string& by);
  void reopen_logs();
  // `target` is SERVICE or SERVICE/ENDPOINT ("node/id" or just the id). Survives a restart.
  Status set_drain(const std::string& target, bool drain, const std::string& by);

  // True while this door should get traffic: started, not stopping.
  bool ready() const { return started_ && !stopping_; }
  bool stopping() const { return stopping_; }
  bool file_differs() const;  // gatehouse.yaml was changed since it was applied

  const conf::Config& config() const { return config_; }
  const proxy::WorldPtr& world() const { return world_; }
  std::span<const std::unique_ptr<proxy::Worker>> workers() const { return workers_; }
  const proxy::Shared& shared() const { return shared_; }
  const pool::Prober& prober() const { return *prober_; }
  History& history() { return history_; }
  const std::vector<FileProblem>& certificate_problems() const { return certificate_problems_; }
  const std::shared_ptr<const CertificateSet>& certificates() const { return certificates_; }
  const std::set<std::string>& drained() const { return drained_; }  // "service" or "service/node/id"
  std::int64_t started_at_ms() const { return started_at_ms_; }      // wall clock
  const LogWriter* access_log() const { return access_log_.get(); }

 private:
  asio::io_context& io_;
  conf::Config config_;
  bool started_ = false, stopping_ = false;
  std::int64_t started_at_ms_ = 0;
  History history_;
  std::set<std::string> drained_;
  proxy::Shared shared_;
  pool::EndpointRegistry registry_;
  std::shared_ptr<const CertificateSet> certificates_;
  std::vector<FileProblem> certificate_problems_;
  proxy::WorldPtr world_;
  std::unique_ptr<pool::Prober> prober_;
  std::unique_ptr<LogWriter> access_log_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
};

}  // namespace gatehouse::cli
