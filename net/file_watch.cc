#include "net/file_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr int links_max = 40;  // as the kernel's own
constexpr int surveys_max = 4;
constexpr std::uint32_t structure =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t content = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;

std::uint64_t mix(std::uint64_t print, std::uint64_t value) {  // FNV-1a over 8 bytes at once, then stirred
  print = (print ^ value) * 0x100000001b3ull;
  return print ^ print >> 29;
}

std::uint64_t mix(std::uint64_t print, const timespec& time) {
  return mix(mix(print, static_cast<std::uint64_t>(time.tv_sec)), static_cast<std::uint64_t>(time.tv_nsec));
}

std::string joined(const std::string& folder, std::string_view name) {
  return (folder == "/" ? folder : folder + "/") + std::string(name);
}

}  // namespace

FileWatch::Survey::Survey(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto target = follow(path);
    struct stat info;
    if (!target || ::stat(target->c_str(), &info) != 0)
      missing = true;
    else if (S_ISDIR(info.st_mode))
      add_folder(*target);
    add_print(path);
  }
}

// The path without symlinks; empty where it ends in nothing. Every step is put down as of interest.
std::optional<std::string> FileWatch::Survey::follow(const std::string& path) {
  std::string at = "/";
  std::deque<std::string> rest;
  for (const fs::path& part : fs::path(path).relative_path()) rest.push_back(part);
  for (int links = 0; !rest.empty();) {
    const std::string name = std::move(rest.front());
    rest.pop_front();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      at = fs::path(at).parent_path();
      continue;
    }
    Interest& interest = folders[at];
    interest.names.insert(name);
    interest.content |= rest.empty();
    const std::string next = joined(at, name);
    std::error_code error;
    const fs::file_status status = fs::symlink_status(next, error);
    if (!fs::exists(status)) return std::nullopt;
    if (!fs::is_symlink(status)) {
      at = next;
      continue;
    }
    const fs::path target = fs::read_symlink(next, error);
    if (error || ++links > links_max) return std::nullopt;
    if (target.is_absolute()) at = "/";
    const fs::path relative = target.relative_path();
    rest.insert(rest.begin(), relative.begin(), relative.end());
  }
  return at;
}

void FileWatch::Survey::add_folder(const std::string& folder) {
  folders[folder].all = folders[folder].content = true;
  std::error_code error;
  std::size_t entries = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && entries < entries_max; ++entries) {
    const std::string path = it->path();
    add_print(path);
    std::error_code unknown;
    if (it->is_symlink(unknown)) follow(path);
    it.increment(error);
  }
  missing |= static_cast<bool>(error);
}

// Summed, so that the order in which a folder tells its entries does not matter.
void FileWatch::Survey::add_print(const std::string& path) {
  std::uint64_t one = mix(0xcbf29ce484222325ull, std::hash<std::string>()(path));
  struct stat info;
  if (::stat(path.c_str(), &info) == 0) {
    for (const std::uint64_t value : {std::uint64_t{info.st_dev}, std::uint64_t{info.st_ino},
                                      static_cast<std::uint64_t>(info.st_size), std::uint64_t{info.st_mode}})
      one = mix(one, value);
    one = mix(mix(one, info.st_mtim), info.st_ctim);
  }
  print += one;
}

FileWatch::FileWatch(std::vector<std::string> paths, TimePoint now, std::size_t folders_max)
    : paths_(std::move(paths)), folders_max_(folders_max), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  for (std::string& path : paths_) path = fs::absolute(path);
  watch_anew(now);
}

// The tree may change between the look at it and the watches: look again until both agree.
void FileWatch::watch_anew(TimePoint now) {
  Survey survey(paths_);
  for (int i = 0;; ++i) {
    const bool complete = add_watches(survey);
    Survey again(paths_);
    const bool settled = again.folders == survey.folders;
    survey = std::move(again);
    by_stat_ = !complete || survey.missing || !settled;
    if (settled || i == surveys_max) break;
  }
  print_ = survey.print;
  next_stat_ = now + stat_interval;
}

bool FileWatch::add_watches(const Survey& survey) {
  if (!inotify_) return false;
  std::map<int, Interest> fresh;
  bool complete = true;
  for (const auto& [folder, interest] : survey.folders) {
    const std::uint32_t mask = structure | (interest.content ? content : 0) | IN_ONLYDIR;
    const int watch = fresh.size() < folders_max_ ? ::inotify_add_watch(inotify_.get(), folder.c_str(), mask) : -1;
    if (watch < 0) {
      complete = false;
      continue;
    }
    Interest& merged = fresh[watch];  // a folder mounted at two places is one watch
    merged.all |= interest.all;
    merged.names.insert(interest.names.begin(), interest.names.end());
  }
  for (const auto& [watch, interest] : watched_)
    if (!fresh.count(watch)) ::inotify_rm_watch(inotify_.get(), watch);
  watched_ = std::move(fresh);
  return complete;
}

bool FileWatch::is_of_interest(int watch, std::uint32_t mask, std::string_view name) const {
  if (mask & IN_Q_OVERFLOW) return true;
  const auto it = watched_.find(watch);  // none: one that we took away ourselves
  if (it == watched_.end()) return false;
  if (it->second.all || mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) return true;
  return it->second.names.find(name) != it->second.names.end();
}

bool FileWatch::read_events() {
  if (!inotify_) return false;
  bool found = false;
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {  // until empty: the caller's loop may be edge-triggered; the kernel's queue is bounded
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return found;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      found |= is_of_interest(event->wd, event->mask, event->len ? event->name : "");
      if (event->mask & IN_IGNORED) watched_.erase(event->wd);
    }
  }
}

void FileWatch::note(TimePoint now) { unrest_ = {unrest_ ? unrest_->first : now, now}; }

TimePoint FileWatch::Unrest::due() const { return std::min<TimePoint>(last + quiet, first + longest); }

bool FileWatch::poll(TimePoint now) {
  if (read_events()) note(now);
  if (by_stat_ && now >= next_stat_) {
    const Survey survey(paths_);
    if (survey.print != std::exchange(print_, survey.print)) note(now);
    next_stat_ = now + stat_interval;
  }
  if (!unrest_ || now < unrest_->due()) return false;
  unrest_.reset();
  watch_anew(now);
  return true;
}

std::optional<TimePoint> FileWatch::deadline() const {
  std::optional<TimePoint> out;
  if (unrest_) out = unrest_->due();
  if (by_stat_) out = std::min(out.value_or(next_stat_), next_stat_);
  return out;
}

}  // namespace gatehouse
