// file_watch.h: tells when files or folders have changed, through symlinks, after they have come to rest.
//   Watched are a path's target and every step on the way there: each folder that a component of the path, or of a
//   symlink on it, lies in. So a rename in place, a swapped `..data` (Kubernetes, consul-template), a deleted and
//   re-made folder, and a path that is not there yet are all seen. Folders are not watched recursively; the targets
//   of symlinks in a folder are.
//   Quiet     a change is told once nothing more has happened for `quiet`, at the latest `longest` after the first.
//   Drive it  poll(now) when fd() is readable, and at deadline().
//   Threads   one.
//   Limits    folders_max watches, entries_max files a folder. Where the kernel gives no watch (its limits, a file
//             system without), and while a path is missing, inode, size and times are compared every second.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/unique_fd.h"

namespace gatehouse {

class FileWatch {
 public:
  static constexpr Millis quiet = 500ms, longest = 2s, stat_interval = 1s;
  static constexpr std::size_t entries_max = 8192;

  // Files or folders, existing or not.
  FileWatch(std::vector<std::string> paths, TimePoint now, std::size_t folders_max = 1024);

  int fd() const { return inotify_.get(); }  // -1: none to be had; the deadline alone drives it
  bool poll(TimePoint now);                  // true: something has changed since the last true
  std::optional<TimePoint> deadline() const;

 private:
  // What of a folder is of interest: everything in it, or some names.
  struct Interest {
    bool all = false;
    bool content = false;  // writes too, not only what comes, goes and is renamed
    std::set<std::string, std::less<>> names;
    bool operator==(const Interest&) const = default;
  };
  // What a walk over the paths found. Parents come before what lies in them.
  struct Survey {
    std::map<std::string, Interest> folders;
    bool missing = false;
    std::uint64_t print = 0;  // of all files' inode, size and times

    explicit Survey(const std::vector<std::string>& paths);
    std::optional<std::string> follow(const std::string& path);
    void add_folder(const std::string& folder);
    void add_print(const std::string& path);
  };

  void watch_anew(TimePoint now);
  bool add_watches(const Survey& survey);
  bool read_events();
  bool is_of_interest(int watch, std::uint32_t mask, std::string_view name) const;
  void note(TimePoint now);

  std::vector<std::string> paths_;
  std::size_t folders_max_;
  UniqueFd inotify_;
  std::map<int, Interest> watched_;  // by watch descriptor
  bool by_stat_ = false;             // something is missing or could not be watched
  std::uint64_t print_ = 0;          // when last surveyed
  TimePoint next_stat_;
  struct Unrest {
    TimePoint first, last;
    TimePoint due() const;
  };
  std::optional<Unrest> unrest_;  // changes not yet reported
};

}  // namespace gatehouse
