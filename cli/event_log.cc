#include "cli/event_log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "cli/text.h"

namespace gatehouse::cli {
namespace {

// Throws what spdlog throws when the file can't be opened.
std::shared_ptr<spdlog::logger> make_logger(const conf::EventLog& conf) {
  spdlog::sink_ptr sink;
  if (conf.to == "off")
    sink = std::make_shared<spdlog::sinks::null_sink_st>();
  else if (conf.to == "stdout")
    sink = std::make_shared<spdlog::sinks::stdout_sink_st>();
  else
    sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(conf.to);
  auto logger = std::make_shared<spdlog::logger>("events", std::move(sink));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
  logger->set_level(spdlog::level::from_str(conf.level));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(conf::EventLog conf) {
  auto log = std::unique_ptr<EventLog>(new EventLog(std::move(conf)));
  if (const Status opened = log->reopen(); !opened) return opened.error();
  return log;
}

EventLog::~EventLog() = default;

Status EventLog::reopen() {
  const std::lock_guard lock(mutex_);
  return use(conf_);
}

Status EventLog::change(conf::EventLog conf) {
  const std::lock_guard lock(mutex_);
  if (conf == conf_) return Done{};
  const Status used = use(conf);
  if (used) conf_ = std::move(conf);
  return used;
}

Status EventLog::use(const conf::EventLog& conf) {
  try {
    logger_ = make_logger(conf);
  } catch (const spdlog::spdlog_ex& failed) {
    return Error{Errc::io, "logs.events.to: " + std::string(failed.what())};
  }
  return Done{};
}

void EventLog::write(int level, std::string_view text, EventFields fields) {
  const std::lock_guard lock(mutex_);
  const auto of_spdlog = static_cast<spdlog::level::level_enum>(level);
  if (!logger_->should_log(of_spdlog)) return;
  logger_->log(of_spdlog, spdlog::string_view_t(event_text(text, fields)));
}

void EventLog::debug(std::string_view text, EventFields fields) { write(spdlog::level::debug, text, fields); }
void EventLog::info(std::string_view text, EventFields fields) { write(spdlog::level::info, text, fields); }
void EventLog::warning(std::string_view text, EventFields fields) { write(spdlog::level::warn, text, fields); }
void EventLog::error(std::string_view text, EventFields fields) { write(spdlog::level::err, text, fields); }

std::string event_text(std::string_view text, EventFields fields) {
  std::string out = printable(text);
  for (const auto& [name, value] : fields) {
    out += " " + std::string(name) + "=";
    const std::string harmless = printable(value);
    if (!needs_quotes(harmless)) {
      out += harmless;
      continue;
    }
    out += '"';
    for (const char c : harmless) out += c == '"' ? std::string("\\\"") : std::string(1, c);
    out += '"';
  }
  return out;
}

}  // namespace gatehouse::cli
