// commands.h: what the verbs of the command line do. Each returns the exit code: 0 good, 1 what was asked for does
//   not hold, 2 usage. Verbs that ask the running program go through its admin socket.
#pragma once

#include <string>
#include <vector>

#include "net/result.h"

namespace gatehouse::cli {

struct Where {
  std::string config;  // -c FILE
  std::string socket;  // --socket; empty: see socket_of
};

struct CheckOptions {
  bool print = false, defaults = false, diff = false;
};

struct ExplainOptions {
  std::string method, url, from;
  std::vector<std::string> fields;
};

struct LintOptions {
  std::string folder, consul, token_file, ca;  // neither folder nor consul: what the configuration names
};

struct GuardTestOptions {
  std::string rules, against;  // against: empty: nothing is compared
  std::vector<std::string> logs;
  bool json = false;
};

struct LogOptions {
  bool follow = false;
  std::string service, status, id;
};

// First thing before run_door: SIGHUP and SIGUSR1 wait until their handlers stand, SIGUSR2 means nothing until then,
// SIGPIPE never does.
void hold_early_signals();
// takeover: in place of one that runs with this configuration, without a gap.
int run_door(const std::string& config_file, bool takeover);
int run_check(const Where& where, const CheckOptions& options);
int run_explain(const Where& where, const ExplainOptions& options);
int run_status(const Where& where, bool json, bool watch);
int run_history(const Where& where, const std::string& since, bool json);
int run_reload(const Where& where);
int run_ready(const Where& where);
int run_upgrade(const Where& where);
int run_drain(const Where& where, const std::string& target, bool drain);
int run_maintenance(const Where& where, const std::string& service, const std::string& state,
                    const std::string& time);
int run_failover(const Where& where, const std::string& service, const std::string& datacenter, bool back);
int run_approve(const Where& where, const std::string& target);  // empty: all that is held
int run_freeze(const Where& where, bool freeze);
int run_rollback(const Where& where, const std::string& table);  // empty: the one before the present
int run_bans_list(const Where& where, bool json);
int run_bans_why(const Where& where, const std::string& target, bool json);
int run_bans_add(const Where& where, const std::string& target, const std::string& time);
int run_bans_remove(const Where& where, const std::string& target);
int run_guard_import(const std::string& file);  // of fail2ban, to stdout
int run_guard_test(const GuardTestOptions& options);
int run_lint(const Where& where, const LintOptions& options);
int run_certs_list(const Where& where, bool json);
int run_certs_why(const Where& where, const std::string& name);
int run_certs_renew(const Where& where, const std::string& name);  // empty: all that are due or failed
int run_certs_revoke(const Where& where, const std::string& name, const std::string& reason);
int run_certs_rollover(const Where& where);
// Into certificates.files of the configuration, checked.
int run_certs_add(const Where& where, const std::string& name, const std::string& crt, const std::string& key);
int run_logs(const Where& where, const LogOptions& options);

inline constexpr const char* usual_config = "/etc/gatehouse/gatehouse.yaml";

// The admin socket's path: --socket; else what the file of -c says, errors or not; else $GATEHOUSE_SOCKET; else what
// the usual file says, if there is one; else the default.
Result<std::string> socket_of(const Where& where);

}  // namespace gatehouse::cli
