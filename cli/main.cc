#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/demo_backend.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::cli;

// Every verb sets what is to be run; the options it parsed live here until then.
struct Line {
  Where where;
  CheckOptions check;
  LogOptions logs;
  std::string method, url, since = "24h", purpose, target, listen = "127.0.0.1:9101", name = "demo";
  std::vector<std::string> fields;
  bool json = false, watch = false;
  std::function<int()> run;
};

void add_where(CLI::App* verb, Line& line) {
  verb->add_option("-c,--config", line.where.config, "the configuration whose admin socket is asked");
  verb->add_option("--socket", line.where.socket, "the admin socket");
}

void add_serving_verbs(CLI::App& app, Line& line) {
  CLI::App* run = app.add_subcommand("run", "serve; SIGHUP reloads, SIGTERM drains and ends, SIGUSR1 reopens logs");
  run->add_option("-c,--config", line.where.config, "gatehouse.yaml")->required();
  run->callback([&line] { line.run = [&line] { return run_door(line.where.config); }; });

  CLI::App* check = app.add_subcommand("check", "validate a configuration and its catalog");
  check->add_option("-c,--config", line.where.config, "gatehouse.yaml")->required();
  check->add_option("--socket", line.where.socket, "the admin socket, for --diff");
  check->add_flag("--print", line.check.print, "show the file as it is understood");
  check->add_flag("--defaults", line.check.defaults, "show it with every default");
  check->add_flag("--diff", line.check.diff, "show what differs from what runs");
  check->callback([&line] { line.run = [&line] { return run_check(line.where, line.check); }; });

  CLI::App* demo = app.add_subcommand("demo-backend", "a small backend to try things with");
  demo->add_option("--listen", line.listen, "address:port");
  demo->add_option("--name", line.name, "what it calls itself");
  demo->callback([&line] {
    line.run = [&line] {
      const auto address = SocketAddress::parse(line.listen);
      if (address) return run_demo_backend(*address, line.name);
      std::cerr << "--listen " << line.listen << ": write it as in 127.0.0.1:9101\n";
      return 2;
    };
  });
}

void add_asking_verbs(CLI::App& app, Line& line) {
  CLI::App* explain = app.add_subcommand("explain", "why a request goes where it goes");
  explain->add_option("method", line.method, "GET, POST …")->required();
  explain->add_option("url", line.url, "http[s]://host[:port]/path")->required();
  explain->add_option("-H", line.fields, "a field: \"Name: value\"");
  add_where(explain, line);
  explain->callback(
      [&line] { line.run = [&line] { return run_explain(line.where, line.method, line.url, line.fields); }; });

  CLI::App* status = app.add_subcommand("status", "services, endpoints, certificates, connections");
  status->add_flag("--json", line.json, "as JSON");
  status->add_flag("--watch", line.watch, "again every second");
  add_where(status, line);
  status->callback([&line] { line.run = [&line] { return run_status(line.where, line.json, line.watch); }; });

  CLI::App* history = app.add_subcommand("history", "what changed, and by whom");
  history->add_option("--since", line.since, "how far back, as in 30m, 12h, 7d");
  history->add_flag("--json", line.json, "as JSON lines");
  add_where(history, line);
  history->callback([&line] { line.run = [&line] { return run_history(line.where, line.since, line.json); }; });
}

void add_acting_verbs(CLI::App& app, Line& line) {
  CLI::App* reload = app.add_subcommand("reload", "read gatehouse.yaml anew; refused whole if anything is wrong");
  add_where(reload, line);
  reload->callback([&line] { line.run = [&line] { return run_reload(line.where); }; });

  CLI::App* ready = app.add_subcommand("ready", "0 if the door serves");
  add_where(ready, line);
  ready->callback([&line] { line.run = [&line] { return run_ready(line.where, line.purpose); }; });

  for (const bool drain : {true, false}) {
    CLI::App* verb = app.add_subcommand(drain ? "drain" : "undrain",
                                        drain ? "give an endpoint no new requests" : "take a drain back");
    verb->add_option("target", line.target, "SERVICE or SERVICE/ENDPOINT")->required();
    add_where(verb, line);
    verb->callback(
        [&line, drain] { line.run = [&line, drain] { return run_drain(line.where, line.target, drain); }; });
  }

  CLI::App* logs = app.add_subcommand("logs", "the access log");
  logs->add_flag("-f,--follow", line.logs.follow, "go on as lines come");
  logs->add_option("--service", line.logs.service, "of this service alone");
  logs->add_option("--status", line.logs.status, "with this status, or class as in 5xx");
  logs->add_option("--id", line.logs.id, "of this request id");
  add_where(logs, line);
  logs->callback([&line] { line.run = [&line] { return run_logs(line.where, line.logs); }; });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gatehouse: reverse proxy and load balancer fed by a catalog of services");
  app.set_version_flag("--version", "gatehouse " GATEHOUSE_VERSION);
  app.require_subcommand(1);
  Line line;
  add_serving_verbs(app, line);
  add_asking_verbs(app, line);
  add_acting_verbs(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return line.run();
}
