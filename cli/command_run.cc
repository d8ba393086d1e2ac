#include <algorithm>
#include <csignal>
#include <iostream>

#include "cli/commands.h"
#include "cli/door.h"
#include "cli/door_view.h"
#include "cli/serving_user.h"
#include "cli/status.h"
#include "cli/text.h"
#include "conf/check.h"
#include "conf/reader_io.h"

namespace gatehouse::cli {
namespace {

// Those that would end the program while nobody handles them yet.
void set_early_signals(int how) {
  sigset_t early;
  sigemptyset(&early);
  sigaddset(&early, SIGHUP);
  sigaddset(&early, SIGUSR1);
  pthread_sigmask(how, &early, nullptr);
}

void print(const conf::Findings& findings) {
  for (const conf::Finding& finding : findings) std::cerr << printable(finding.text()) << "\n";
}

// Reloads on SIGHUP, reopens logs on SIGUSR1, is replaced on SIGUSR2, drains on SIGTERM or SIGINT; a second one of
// these ends at once.
class Signals {
 public:
  Signals(asio::io_context& io, Door& door) : io_(io), door_(door), set_(io, SIGHUP, SIGTERM, SIGINT) {
    set_.add(SIGUSR1);
    set_.add(SIGUSR2);
    wait();
    set_early_signals(SIG_UNBLOCK);
  }

 private:
  void wait() {
    set_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      on(signal);
      wait();
    });
  }
  void on(int signal) {
    if (signal == SIGHUP) {
      door_.reload("SIGHUP");
    } else if (signal == SIGUSR1) {
      door_.reopen_logs();
    } else if (signal == SIGUSR2) {
      if (const Result<pid_t> begun = door_.upgrade("SIGUSR2"); !begun)
        std::cerr << "upgrade: " << printable(begun.error().what) << "\n";
    } else if (door_.stopping()) {
      io_.stop();
    } else {
      door_.stop([this] { io_.stop(); });
    }
  }

  asio::io_context& io_;
  Door& door_;
  asio::signal_set set_;
};

// What only the catalog and the certificates could tell, whatever logs.events takes, and what is served now.
void tell_beginning(const Door& door, const conf::Findings& told) {
  const DoorView view = view_of(door);
  conf::Findings problems = problems_of(view);
  std::erase_if(problems, [&](const conf::Finding& problem) {
    return std::any_of(told.begin(), told.end(), [&](const auto& each) { return each.text() == problem.text(); });
  });
  print(problems);
  std::cerr << "gatehouse " GATEHOUSE_VERSION " serves " << printable(serving_words(view)) << "\n";
}

}  // namespace

void hold_early_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGUSR2, SIG_IGN);
  set_early_signals(SIG_BLOCK);
}

int run_door(const std::string& config_file, bool takeover) {
  conf::ReadConfig read = conf::read_config(config_file, conf::surroundings_of_process(config_file));
  conf::add_findings(read.findings, conf::check_config(read));
  print(read.findings);
  if (conf::has_error(read.findings)) return 1;
  if (const std::optional<conf::Finding> warning = root_warning(read.config)) print({*warning});
  const conf::Findings findings = read.findings;
  asio::io_context io;
  Door door(io, std::move(read));
  const auto serving = [&] { tell_beginning(door, findings); };
  if (const Status started = door.start(takeover, serving); !started) {
    std::cerr << started.error().what << "\n";
    return 1;
  }
  const Signals signals(io, door);
  io.run();
  return 0;
}

}  // namespace gatehouse::cli
