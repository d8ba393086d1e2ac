// event_log.h: what the program tells of itself (logs.events): one line an event, "time level text key=value …".
//   Started, reloaded, endpoints up and down, certificates, what went wrong. Never secrets: who writes an event says
//   names of files, not what stands in them. Bytes of strangers are made harmless, so that a line stays a line.
//   Threads  any; for the control plane: a write may wait for the disk or for who reads our stdout.
//   Failure  a line that can't be written is lost (spdlog says so on stderr, at most once a second).
#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "conf/config.h"
#include "net/result.h"

namespace spdlog {
class logger;
}

namespace gatehouse::cli {

using EventFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class EventLog {
 public:
  static Result<std::unique_ptr<EventLog>> open(conf::EventLog conf);
  ~EventLog();

  void debug(std::string_view text, EventFields fields = {});
  void info(std::string_view text, EventFields fields = {});
  void warning(std::string_view text, EventFields fields = {});
  void error(std::string_view text, EventFields fields = {});

  Status reopen();  // for logrotate; on failure the old file stays
  // After a reload; on failure all stays as it was.
  Status change(conf::EventLog conf);

 private:
  explicit EventLog(conf::EventLog conf) : conf_(std::move(conf)) {}
  Status use(const conf::EventLog& conf);
  void write(int level, std::string_view text, EventFields fields);

  std::mutex mutex_;  // guards what follows
  conf::EventLog conf_;
  std::shared_ptr<spdlog::logger> logger_;
};

// "endpoint is down service=web output="connection refused"". Values with blanks or quotes are quoted.
std::string event_text(std::string_view text, EventFields fields);

}  // namespace gatehouse::cli
