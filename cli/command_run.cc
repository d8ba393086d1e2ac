#include <csignal>
#include <iostream>

#include "cli/commands.h"
#include "cli/door.h"
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

// Reloads on SIGHUP, reopens logs on SIGUSR1, drains on SIGTERM or SIGINT; a second one of these ends at once.
class Signals {
 public:
  Signals(asio::io_context& io, Door& door) : io_(io), door_(door), set_(io, SIGHUP, SIGTERM, SIGINT) {
    set_.add(SIGUSR1);
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

}  // namespace

void hold_early_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGUSR2, SIG_IGN);
  set_early_signals(SIG_BLOCK);
}

int run_door(const std::string& config_file) {
  conf::ReadConfig read = conf::read_config(config_file, conf::surroundings_of_process(config_file));
  conf::Findings findings = read.findings;
  if (!conf::has_error(findings)) {
    const conf::Findings more = conf::check_config(read);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  for (const conf::Finding& finding : findings) std::cerr << finding.text() << "\n";
  if (conf::has_error(findings)) return 1;
  asio::io_context io;
  Door door(io, std::move(read.config), std::move(findings));
  if (const Status started = door.start(); !started) {
    std::cerr << started.error().what << "\n";
    return 1;
  }
  const Signals signals(io, door);
  io.run();
  return 0;
}

}  // namespace gatehouse::cli
