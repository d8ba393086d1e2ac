// event_log.h: what the program tells of itself (logs.events): one line an event, "time level text key=value …".
//   Started, reloaded, endpoints up and down, certificates, what went wrong. Never secrets: who writes an event says
//   names of files, not what stands in them. Bytes of strangers are made harmless, so that a line stays a line.
//   Threads  any; a line is put into a ring and nobody waits: the log's own thread writes it.
//   Limits   ring_bytes. A line that finds no room is dropped and counted, as one whose write fails is lost.
#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "conf/config.h"
#include "net/log_ring.h"
#include "net/log_writer.h"
#include "net/result.h"

namespace gatehouse::cli {

using EventFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class EventLog {
 public:
  static constexpr std::size_t ring_bytes = 256 << 10;

  static Result<std::unique_ptr<EventLog>> open(conf::EventLog conf);

  void debug(std::string_view text, EventFields fields = {});
  void info(std::string_view text, EventFields fields = {});
  void warning(std::string_view text, EventFields fields = {});
  void error(std::string_view text, EventFields fields = {});

  Status reopen();  // for logrotate; on failure the old file stays
  // After a reload; on failure all stays as it was.
  Status change(conf::EventLog conf);
  std::uint64_t dropped() const { return ring_.dropped(); }

 private:
  Status use(const conf::EventLog& conf);
  void write(std::string_view level, std::string_view text, EventFields fields);

  std::mutex mutex_;  // guards what follows; held for a moment only
  conf::EventLog conf_;
  LogRing ring_{ring_bytes};
  std::unique_ptr<LogWriter> writer_;  // null: the log is off
};

// "endpoint is down service=web output="connection refused"". Values with blanks or quotes are quoted.
std::string event_text(std::string_view text, EventFields fields);

}  // namespace gatehouse::cli
