#include "cli/event_log.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "cli/text.h"

namespace gatehouse::cli {
namespace {

// The words of logs.events.level, the least first.
constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warning", "error"};

std::size_t rank(std::string_view level) {
  return static_cast<std::size_t>(std::find(levels.begin(), levels.end(), level) - levels.begin());
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(conf::EventLog conf) {
  auto log = std::make_unique<EventLog>();
  if (const Status opened = log->use(conf); !opened) return opened.error();
  log->conf_ = std::move(conf);
  return log;
}

Status EventLog::reopen() {
  const std::lock_guard lock(mutex_);
  return writer_ ? writer_->reopen() : Status(Done{});
}

Status EventLog::change(conf::EventLog conf) {
  const std::lock_guard lock(mutex_);
  if (conf.to != conf_.to)
    if (const Status used = use(conf); !used) return used;
  conf_ = std::move(conf);
  return Done{};
}

// The ring has one reader: the old writer ends, with what it could write, before the new one begins.
Status EventLog::use(const conf::EventLog& conf) {
  std::unique_ptr<LogWriter> next;
  if (conf.to != "off") {
    Result<std::unique_ptr<LogWriter>> opened = LogWriter::open(conf.to);
    if (!opened) return Error{Errc::io, "logs.events.to: " + opened.error().what};
    next = std::move(*opened);
  }
  writer_.reset();
  writer_ = std::move(next);
  if (writer_) writer_->add(ring_);
  return Done{};
}

void EventLog::write(std::string_view level, std::string_view text, EventFields fields) {
  const std::lock_guard lock(mutex_);
  if (!writer_ || rank(level) < rank(conf_.level)) return;
  std::string line = utc_text(wall_ms());
  line.append(" ").append(level).append(" ").append(event_text(text, fields)).append("\n");
  const std::span<char> room = ring_.reserve(line.size());
  if (room.empty()) return ring_.drop();
  line.copy(room.data(), line.size());
  ring_.commit(line.size());
  writer_->nudge();
}

void EventLog::debug(std::string_view text, EventFields fields) { write("debug", text, fields); }
void EventLog::info(std::string_view text, EventFields fields) { write("info", text, fields); }
void EventLog::warning(std::string_view text, EventFields fields) { write("warning", text, fields); }
void EventLog::error(std::string_view text, EventFields fields) { write("error", text, fields); }

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
