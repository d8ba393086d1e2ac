#include <iostream>

#include "cli/commands.h"
#include "cli/door.h"
#include "conf/check.h"
#include "conf/reader_io.h"

namespace gatehouse::cli {
namespace {

// Reloads on SIGHUP, reopens logs on SIGUSR1, drains on SIGTERM or SIGINT; a second one of these ends at once.
class Signals {
 public:
  Signals(asio::io_context& io, Door& door) : io_(io), door_(door), set_(io, SIGHUP, SIGTERM, SIGINT) {
    set_.add(SIGUSR1);
    wait();
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
      const ReloadResult result = door_.reload("SIGHUP");
      for (const conf::Finding& finding : result.findings) std::cerr << finding.text() << "\n";
      if (!result.applied) std::cerr << "reload refused: what runs stays\n";
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

int run_door(const std::string& config_file) {
  std::signal(SIGPIPE, SIG_IGN);
  conf::ReadConfig read = conf::read_config(config_file, conf::surroundings_of_process(config_file));
  conf::add_findings(read.findings, conf::check_config(read));
  for (const conf::Finding& finding : read.findings) std::cerr << finding.text() << "\n";
  if (conf::has_error(read.findings)) return 1;
  asio::io_context io;
  Door door(io, std::move(read));
  if (const Status started = door.start(); !started) {
    std::cerr << started.error().what << "\n";
    return 1;
  }
  const Signals signals(io, door);
  io.run();
  return 0;
}

}  // namespace gatehouse::cli
