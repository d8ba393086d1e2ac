#include <algorithm>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "acme/revocation.h"
#include "cli/commands.h"
#include "cli/demo_backend.h"
#include "cli/tunnel_commands.h"
#include "conf/values.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::cli;

constexpr const char* exit_codes = "Exit codes: 0 good, 1 what was asked for does not hold, 2 usage.";

// Every verb sets what is to be run; the options it parsed live here until then.
struct Line {
  Where where;
  CheckOptions check;
  ExplainOptions explain;
  GuardTestOptions guard_test;
  LintOptions lint;
  LogOptions logs;
  std::string crt, key;
  KeygenOptions keygen;
  RotateOptions rotate;
  std::vector<std::string> folders;
  std::string since = "24h", target, listen = "127.0.0.1:9101", name = "demo", datacenter, state, time;
  std::string ban_time = "1h", reason = "unspecified";
  bool json = false, watch = false, off = false, back = false, takeover = false;
  std::function<int()> run;
};

void add_where(CLI::App* verb, Line& line) {
  verb->add_option("-c,--config", line.where.config, "Ask the gatehouse that runs with this configuration");
  verb->add_option("--socket", line.where.socket, "Ask at this admin socket");
}

void add_serving_verbs(CLI::App& app, Line& line) {
  CLI::App* run = app.add_subcommand("run", "Serve");
  run->add_option("-c,--config", line.where.config, "The configuration, gatehouse.yaml")->required();
  run->add_flag("--takeover", line.takeover,
                "Replace the gatehouse that runs with this configuration, without a gap");
  run->footer(
      "Signals: SIGHUP reloads, as `gatehouse reload` does; SIGUSR1 opens the logs anew;\n"
      "SIGUSR2 replaces it by the program that stands in its place now, as `gatehouse upgrade` does;\n"
      "SIGTERM and SIGINT stop: no new connections, requests finish within limits.shutdown_time;\n"
      "a second one ends at once.");
  run->callback([&line] { line.run = [&line] { return run_door(line.where.config, line.takeover); }; });

  CLI::App* check = app.add_subcommand("check", "Validate a configuration, its catalog and its certificates");
  check->add_option("-c,--config", line.where.config, "The configuration, gatehouse.yaml")->required();
  check->add_option("--socket", line.where.socket, "The admin socket, for --diff");
  check->add_flag("--print", line.check.print, "Print the configuration as it is understood");
  check->add_flag("--defaults", line.check.defaults, "Print it with every default");
  check->add_flag("--diff", line.check.diff, "Print what would change in the gatehouse that runs");
  check->footer(
      "Every finding is a line on stderr: FILE:LINE:COLUMN: KEY: what is wrong. Run as root, it checks\n"
      "as node.user, who must be able to read everything. Exit code 1 if there is an error; warnings are fine.");
  check->callback([&line] { line.run = [&line] { return run_check(line.where, line.check); }; });

  CLI::App* demo =
      app.add_subcommand("demo-backend", "A small backend to try things with: it echoes what reached it");
  demo->add_option("--listen", line.listen, "Where to listen, ADDRESS:PORT")->capture_default_str();
  demo->add_option("--name", line.name, "What it calls itself")->capture_default_str();
  demo->footer(
      "GET /health tells its health; POST /health?state=down and ?state=up switch it.\n"
      "It takes bodies of up to 64 KiB (413 beyond) and does no upgrade.");
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
  CLI::App* explain = app.add_subcommand("explain", "Why a request goes where it goes");
  explain->add_option("method", line.explain.method, "GET, POST …")->required();
  explain->add_option("url", line.explain.url, "http[s]://host[:port]/path")->required();
  explain->add_option("-H,--field", line.explain.fields, "A field of the request, \"Name: value\"; may be repeated")
      ->allow_extra_args(false);
  explain->add_option("--from", line.explain.from, "The address that connects")->default_str("127.0.0.1");
  add_where(explain, line);
  explain->footer("Nothing is sent: the request is judged as if it came, by what runs now.");
  explain->callback([&line] { line.run = [&line] { return run_explain(line.where, line.explain); }; });

  CLI::App* status = app.add_subcommand("status", "Services, endpoints, certificates, problems");
  status->add_flag("--json", line.json, "As JSON");
  status->add_flag("--watch", line.watch, "Again every second");
  add_where(status, line);
  status->callback([&line] { line.run = [&line] { return run_status(line.where, line.json, line.watch); }; });

  CLI::App* history = app.add_subcommand("history", "What changed, when, and by whom");
  history->add_option("--since", line.since, "How far back, as in 30m, 12h, 7d")->capture_default_str();
  history->add_flag("--json", line.json, "As JSON, an object a line");
  add_where(history, line);
  history->callback([&line] { line.run = [&line] { return run_history(line.where, line.since, line.json); }; });

  CLI::App* logs = app.add_subcommand("logs", "The access log");
  logs->add_flag("-f,--follow", line.logs.follow, "Go on as lines come, over rotations");
  logs->add_option("--service", line.logs.service, "Only lines of this service");
  logs->add_option("--status", line.logs.status, "Only lines with this status: 502, 5xx, 4xx,5xx, 500-504");
  logs->add_option("--id", line.logs.id, "Only lines of this request id");
  add_where(logs, line);
  logs->footer("Needs to be able to read the log's file. The fields are told in docs/access-log.md.");
  logs->callback([&line] { line.run = [&line] { return run_logs(line.where, line.logs); }; });
}

void add_acting_verbs(CLI::App& app, Line& line) {
  CLI::App* reload = app.add_subcommand("reload", "Read gatehouse.yaml anew");
  add_where(reload, line);
  reload->footer("All or nothing: if anything is wrong it is refused (exit code 1) and what runs stays.");
  reload->callback([&line] { line.run = [&line] { return run_reload(line.where); }; });

  CLI::App* upgrade = app.add_subcommand("upgrade", "Replace the program that runs by a new version, without a gap");
  add_where(upgrade, line);
  upgrade->footer(
      "The file that it was started from is started anew with `run --takeover`: it gets the listening sockets, and\n"
      "serves once it knows as much; the old one finishes what it has within limits.shutdown_time. If the new one\n"
      "fails to start (exit code 1), the old one goes on as if nothing had been asked.");
  upgrade->callback([&line] { line.run = [&line] { return run_upgrade(line.where); }; });

  CLI::App* ready = app.add_subcommand("ready", "Exit code 0 while the door should get traffic, else 1");
  add_where(ready, line);
  ready->callback([&line] { line.run = [&line] { return run_ready(line.where); }; });

  for (const bool drain : {true, false}) {
    CLI::App* verb = app.add_subcommand(drain ? "drain" : "undrain",
                                        drain ? "Give a service's endpoint no new requests" : "Take a drain back");
    verb->add_option("target", line.target, "SERVICE or SERVICE/ENDPOINT; an endpoint is ID or NODE/ID")->required();
    add_where(verb, line);
    if (drain) verb->footer("Requests under way finish. A drain survives a restart.");
    verb->callback(
        [&line, drain] { line.run = [&line, drain] { return run_drain(line.where, line.target, drain); }; });
  }
}

void add_maintenance_verb(CLI::App& app, Line& line) {
  CLI::App* verb =
      app.add_subcommand("maintenance", "Answer a service's requests with the operator's page, or no more");
  verb->add_option("service", line.target, "The service")->required();
  verb->add_option("state", line.state, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
  verb->add_option("--for", line.time, "How long, as in 30m; else until `off`");
  add_where(verb, line);
  verb->footer(
      "They get 503 with Retry-After, but from those whom the key `maintenance` allows. It survives a restart.");
  verb->callback(
      [&line] { line.run = [&line] { return run_maintenance(line.where, line.target, line.state, line.time); }; });
}

void add_failover_verb(CLI::App& app, Line& line) {
  CLI::App* verb = app.add_subcommand("failover", "Have a service served by another datacenter, or take that back");
  verb->add_option("service", line.target, "The service")->required();
  auto* to = verb->add_option("datacenter", line.datacenter, "Where to; else the one that its policy names");
  verb->add_flag("--back", line.back, "To its own datacenter again")->excludes(to);
  add_where(verb, line);
  verb->footer("Requests under way finish. It holds until taken back, over restarts too.");
  verb->callback(
      [&line] { line.run = [&line] { return run_failover(line.where, line.target, line.datacenter, line.back); }; });
}

void add_memory_verbs(CLI::App& catalog, Line& line) {
  CLI::App* approve = catalog.add_subcommand("approve", "The catalog is right: end what is held against it");
  approve->add_option("target", line.target, "SERVICE, SERVICE/ID or SERVICE/NODE/ID; else all that is held");
  add_where(approve, line);
  approve->footer(
      "Held is what the catalog lost without evidence; `status` tells each and why. Of a service that has nobody\n"
      "left, SERVICE takes the routes away, too.");
  approve->callback([&line] { line.run = [&line] { return run_approve(line.where, line.target); }; });

  CLI::App* freeze = catalog.add_subcommand("freeze", "Apply no more of what the catalog says");
  freeze->add_flag("--off", line.off, "As unfreeze");
  add_where(freeze, line);
  freeze->footer("The catalog is watched on, and `status` tells what would change. Checks and drains go on.");
  freeze->callback([&line] { line.run = [&line] { return run_freeze(line.where, !line.off); }; });

  CLI::App* unfreeze = catalog.add_subcommand("unfreeze", "Apply again what the catalog says");
  add_where(unfreeze, line);
  unfreeze->callback([&line] { line.run = [&line] { return run_freeze(line.where, false); }; });

  CLI::App* rollback = catalog.add_subcommand("rollback", "The catalog as it was at an earlier table, frozen there");
  rollback->add_option("table", line.target, "A number that `history` tells; else the one before the present");
  add_where(rollback, line);
  rollback->callback([&line] { line.run = [&line] { return run_rollback(line.where, line.target); }; });
}

void add_catalog_verbs(CLI::App& app, Line& line) {
  CLI::App* catalog = app.add_subcommand("catalog", "What the catalog says, and what of it is in force");
  catalog->require_subcommand(1);
  CLI::App* lint = catalog->add_subcommand("lint", "What becomes of each tag: exact, approximate, not mapped");
  auto* folder =
      lint->add_option("folder", line.lint.folder, "A folder of service definitions; else the configuration's");
  auto* consul =
      lint->add_option("--consul", line.lint.consul, "A live catalog: http[s]://HOST:PORT or unix:///PATH");
  consul->excludes(folder);
  lint->add_option("--token-file", line.lint.token_file, "The file that holds a token for it")->needs(consul);
  lint->add_option("--ca", line.lint.ca, "The authorities that may sign its certificate; else the machine's")
      ->needs(consul);
  lint->add_option("-c,--config", line.where.config, "The configuration, gatehouse.yaml, whose listeners are meant");
  lint->footer(
      "Tags are read in all spellings: ours, fabio's and Traefik's, and shown with what they become.\n"
      "Exit code 1 if a tag is not mapped.");
  lint->callback([&line] { line.run = [&line] { return run_lint(line.where, line.lint); }; });
  add_memory_verbs(*catalog, line);
}

void add_guard_verbs(CLI::App& app, Line& line) {
  CLI::App* guard = app.add_subcommand("guard", "Jails, before they are in force");
  guard->require_subcommand(1);
  CLI::App* import = guard->add_subcommand("import", "The jails of a jail.local as a section guard, on stdout");
  import->add_option("file", line.target, "fail2ban's jail.local")->required();
  import->footer("Each option that is not carried, or means something else here, is named with its line on stderr.");
  import->callback([&line] { line.run = [&line] { return run_guard_import(line.target); }; });
  CLI::App* test = guard->add_subcommand("test", "Whom the jails of a file would have banned, by a log");
  test->add_option("rules", line.guard_test.rules, "A gatehouse.yaml; its section guard alone will do")->required();
  test->add_option("logs", line.guard_test.logs,
                   "Our own access log, or a combined one of nginx or Apache; - is stdin")
      ->required();
  test->add_option("--against", line.guard_test.against, "Another such file: tells who is banned by one of the two");
  test->add_flag("--json", line.json, "As JSON");
  test->footer(
      "Nothing is asked of a running door, and nobody is banned. Endpoints of the catalog, which a door\n"
      "never bans, are not known here.");
  test->callback([&line] {
    line.run = [&line] {
      line.guard_test.json = line.json;
      return run_guard_test(line.guard_test);
    };
  });
}

void add_bans_verbs(CLI::App& app, Line& line) {
  CLI::App* bans = app.add_subcommand("bans", "Who is banned, why, and by hand");
  bans->require_subcommand(1);
  CLI::App* list = bans->add_subcommand("list", "Who is banned, the last one first");
  list->add_flag("--json", line.json, "As JSON");
  add_where(list, line);
  list->callback([&line] { line.run = [&line] { return run_bans_list(line.where, line.json); }; });

  CLI::App* why = bans->add_subcommand("why", "One ban, and the requests that led to it");
  why->add_option("target", line.target, "An address, a network, or the id that a refusal shows")->required();
  why->add_flag("--json", line.json, "As JSON");
  add_where(why, line);
  why->callback([&line] { line.run = [&line] { return run_bans_why(line.where, line.target, line.json); }; });

  for (CLI::App* add :
       {bans->add_subcommand("add", "Ban an address or network"), bans->add_subcommand("banip", "As add")}) {
    add->add_option("target", line.target, "An address (of IPv6: its /64) or a network")->required();
    add->add_option("--for", line.ban_time, "How long, as in 30m, 12h, 7d, forever")->capture_default_str();
    add_where(add, line);
    add->callback([&line] { line.run = [&line] { return run_bans_add(line.where, line.target, line.ban_time); }; });
  }
  for (CLI::App* lift : {bans->add_subcommand("remove", "Lift a ban, or all within a network"),
                         bans->add_subcommand("unbanip", "As remove")}) {
    lift->add_option("target", line.target, "An address or a network")->required();
    add_where(lift, line);
    lift->footer("Offences are forgotten, too: the next ban is as short as the first.");
    lift->callback([&line] { line.run = [&line] { return run_bans_remove(line.where, line.target); }; });
  }
}

void add_key_verbs(CLI::App& tunnel, Line& line) {
  CLI::App* keygen = tunnel.add_subcommand("keygen", "A new key for one client, one server and one service");
  keygen->add_option("--client", line.keygen.client, "The host that connects")->required();
  keygen->add_option("--server", line.keygen.server, "The host that accepts")->required();
  keygen->add_option("--service", line.keygen.service, "What is reached")->required();
  keygen->add_option("--out", line.keygen.out, "A folder: both ends' files are written there, 0600; else to stdout");
  keygen->add_flag("--compat", line.keygen.compat, "A key that stunnel before 5.51 reads alike");
  keygen->callback([&line] { line.run = [&line] { return run_tunnel_keygen(line.keygen); }; });

  CLI::App* rotate = tunnel.add_subcommand("rotate", "Change a key without losing a connection");
  rotate->add_option("identity", line.rotate.identity, "Whose key")->required();
  rotate->add_option("--stage", line.rotate.stage, "add (where it is accepted), switch (where it is shown), retire")
      ->required()
      ->check(CLI::IsMember({"add", "switch", "retire"}));
  rotate->add_option("--key", line.rotate.key, "switch: the file that `add` made");
  rotate->add_option("--idle", line.rotate.idle, "retire: how long the old key must not have been used")
      ->capture_default_str();
  add_where(rotate, line);
  rotate->callback([&line] { line.run = [&line] { return run_tunnel_rotate(line.where, line.rotate); }; });

  CLI::App* revoke = tunnel.add_subcommand("revoke", "Take an identity its key, and cut its connections");
  revoke->add_option("identity", line.target, "Whose key")->required();
  add_where(revoke, line);
  revoke->callback([&line] { line.run = [&line] { return run_tunnel_revoke(line.where, line.target); }; });

  CLI::App* audit = tunnel.add_subcommand("audit", "Keys that are shared, weak or badly kept, over many hosts");
  audit->add_option("folder", line.folders, "For each host the folder of its key files, ours or stunnel's")
      ->required();
  audit->footer("Exit code 1 if there is a fault. No key and nothing made of one is shown.");
  audit->callback([&line] { line.run = [&line] { return run_tunnel_audit(line.folders); }; });
}

void add_tunnel_verbs(CLI::App& app, Line& line) {
  CLI::App* tunnel = app.add_subcommand("tunnel", "Streams between hosts over TLS with pre-shared keys");
  tunnel->require_subcommand(1);
  CLI::App* list = tunnel->add_subcommand("list", "Tunnels, identities, who was seen when");
  list->add_flag("--json", line.json, "As JSON");
  add_where(list, line);
  list->callback([&line] { line.run = [&line] { return run_tunnel_list(line.where, line.json); }; });

  CLI::App* why =
      tunnel->add_subcommand("why", "How connections of a tunnel or an identity ended, and what that means");
  why->add_option("name", line.target, "A tunnel or an identity")->required();
  add_where(why, line);
  why->callback([&line] { line.run = [&line] { return run_tunnel_why(line.where, line.target); }; });

  CLI::App* test = tunnel->add_subcommand("test", "Try each exit of a tunnel from here, and say which hop fails");
  test->add_option("name", line.target, "A tunnel of tunnel.connect")->required();
  test->add_option("-c,--config", line.where.config, "The configuration, gatehouse.yaml");
  test->footer("It reads the keys itself: run it as who serves, or as root. The exit connects to the service.");
  test->callback([&line] { line.run = [&line] { return run_tunnel_test(line.where, line.target); }; });

  CLI::App* import = tunnel->add_subcommand("import", "A stunnel.conf as a `tunnel:` section");
  import->add_option("file", line.target, "The stunnel.conf")->required();
  import->footer(
      "The section goes to stdout; stderr has a word on every option that is not the same.\n"
      "Exit code 1 if a section can't be carried.");
  import->callback([&line] { line.run = [&line] { return run_tunnel_import(line.target); }; });
  add_key_verbs(*tunnel, line);
}

void add_certificate_verbs(CLI::App& app, Line& line) {
  CLI::App* certs = app.add_subcommand("certs", "Certificates: what there is, what is obtained, and why not");
  certs->require_subcommand(1);
  CLI::App* list = certs->add_subcommand("list", "Names, issuer, time left, next renewal, last problem");
  list->add_flag("--json", line.json, "As JSON");
  add_where(list, line);
  list->callback([&line] { line.run = [&line] { return run_certs_list(line.where, line.json); }; });

  CLI::App* why =
      certs->add_subcommand("why", "All about one that is obtained: the last tries, when the next is, why then");
  why->add_option("name", line.target, "The host it is for")->required();
  add_where(why, line);
  why->callback([&line] { line.run = [&line] { return run_certs_why(line.where, line.target); }; });

  CLI::App* renew =
      certs->add_subcommand("renew", "Order now, without waiting for the time of renewal or the next try");
  renew->add_option("name", line.target, "The host it is for; else all that are due or failed");
  add_where(renew, line);
  renew->footer("A CA counts orders and failures: five failures of a name within an hour are Let's Encrypt's limit.");
  renew->callback([&line] { line.run = [&line] { return run_certs_renew(line.where, line.target); }; });

  CLI::App* revoke = certs->add_subcommand("revoke", "Have the CA revoke one that was obtained, and order another");
  revoke->add_option("name", line.target, "The host it is for")->required();
  revoke->add_option("--reason", line.reason, "Why: " + acme::revocation_words())->capture_default_str();
  add_where(revoke, line);
  revoke->callback(
      [&line] { line.run = [&line] { return run_certs_revoke(line.where, line.target, line.reason); }; });

  CLI::App* rollover = certs->add_subcommand("rollover", "Give the accounts with CAs new keys");
  add_where(rollover, line);
  rollover->footer("Nothing else changes: certificates, orders to come and exemptions from rate limits stay.");
  rollover->callback([&line] { line.run = [&line] { return run_certs_rollover(line.where); }; });

  CLI::App* add = certs->add_subcommand("add", "Put a pair that you brought into certificates.files, checked");
  add->add_option("name", line.target, "What it is called: NAME.crt and NAME.key")->required();
  add->add_option("crt", line.crt, "The certificate and its chain, PEM")->required();
  add->add_option("key", line.key, "Its private key, PEM")->required();
  add->add_option("-c,--config", line.where.config, "The configuration, gatehouse.yaml");
  add->footer("A pair that does not fit, has ended, or names nobody is refused, and what was there stays.");
  add->callback(
      [&line] { line.run = [&line] { return run_certs_add(line.where, line.target, line.crt, line.key); }; });
}

// What CLI11 would only call a missing verb. Says so, and which one was meant perhaps.
bool is_unknown_verb(const CLI::App& app, const std::string& verb) {
  std::vector<std::string> names;
  for (const CLI::App* known : app.get_subcommands({})) names.push_back(known->get_name());
  if (verb.starts_with("-") || std::find(names.begin(), names.end(), verb) != names.end()) return false;
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view near = conf::nearest(verb, candidates);
  std::cerr << verb << ": there is no such verb" << (near.empty() ? "; see --help" : "; did you mean ") << near
            << (near.empty() ? "\n" : "?\n");
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "run") hold_early_signals();
  CLI::App app("gatehouse: reverse proxy and load balancer, fed by a catalog of services");
  app.set_version_flag("--version", "gatehouse " GATEHOUSE_VERSION);
  app.require_subcommand(1);
  app.footer(exit_codes);
  Line line;
  add_serving_verbs(app, line);
  add_asking_verbs(app, line);
  add_acting_verbs(app, line);
  add_maintenance_verb(app, line);
  add_failover_verb(app, line);
  add_catalog_verbs(app, line);
  add_bans_verbs(app, line);
  add_guard_verbs(app, line);
  add_tunnel_verbs(app, line);
  add_certificate_verbs(app, line);
  if (argc > 1 && is_unknown_verb(app, argv[1])) return 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return line.run();
}
