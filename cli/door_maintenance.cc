// Services under maintenance by command: kept in the state folder, told to the data path by one number a service.
#include <limits>

#include "cli/door.h"
#include "cli/json.h"
#include "cli/text.h"
#include "conf/values.h"
#include "net/atomic_file.h"
#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

constexpr std::size_t state_bytes_most = 1 << 20;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void Door::load_maintenance() {
  const Result<FileContent> file = read_file(state_file("maintenance"), state_bytes_most);
  if (!file) {
    if (file.error().code != Errc::unavailable) warn("process", "maintenance is not known: " + file.error().what);
    return;
  }
  boost::system::error_code failed;
  const json::value read = json::parse(file->bytes, failed);
  if (failed || !read.is_object()) return warn("process", "maintenance is not known: the state file is malformed");
  for (const auto& [service, until] : read.as_object())
    if (until.is_int64() && until.as_int64() > wall_ms()) maintenance_[service] = until.as_int64();
}

Status Door::save_maintenance() const {
  json::object out;
  for (const auto& [service, until] : maintenance_)
    if (until > wall_ms()) out[service] = until;
  return write_file_atomically(state_file("maintenance"), json::serialize(out), 0600);
}

void Door::apply_maintenance() {
  for (const proxy::PoolPtr& pool : world_->pools()) {
    const auto found = maintenance_.find(pool->service->name);
    const std::int64_t until = found == maintenance_.end() ? 0 : found->second;
    pool->stats->maintenance_until_ms.store(until, std::memory_order_relaxed);
  }
}

Status Door::set_maintenance(const std::string& service, bool on, std::optional<Millis> time, const std::string& by) {
  if (on && world_->find(service) == nullptr) {
    std::vector<std::string_view> known;
    for (const proxy::PoolPtr& each : world_->pools()) known.push_back(each->service->name);
    return invalid("there is no service " + service + conf::did_you_mean(conf::nearest(service, known)));
  }
  if (on)
    maintenance_[service] = time ? wall_ms() + time->count() : std::numeric_limits<std::int64_t>::max();
  else if (maintenance_.erase(service) == 0)
    return invalid(service + " is not under maintenance by command");
  apply_maintenance();
  std::string what = "maintenance " + service + (on ? " on" : " off");
  if (on && time) what += " --for " + conf::duration_text(*time);
  note("command", what, by);
  if (const Status saved = save_maintenance(); !saved) {
    warn("process", what + " holds until the next start alone: " + saved.error().what);
    return Error{saved.error().code, "done, but it will not outlive a restart: " + saved.error().what};
  }
  return Done{};
}

}  // namespace gatehouse::cli
