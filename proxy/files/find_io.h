// find_io.h: which file answers a request: the one that its path names, a folder's index, or the route's fallback;
//   and, beside it, one that holds the same in a coding that the client takes.
//   The first look is at what the kernel has in memory, on the loop. Where that doesn't suffice, the same is done by
//   a file thread (FindJob). The folder itself is opened anew each second, so that a link to a release can be
//   switched. A link is served only where what it leads to might be asked for by its own name.
//   Threads  Roots is a worker's own; find() may run anywhere.
//   Failure  what is not there, must not be shown or leads out of the folder is `missing`; the errno tells the rest.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "conf/service.h"
#include "net/file_pool.h"
#include "net/frame_pool.h"
#include "net/open_beneath.h"
#include "net/timer_wheel.h"
#include "proxy/files/file_path.h"
#include "proxy/http/accept_encoding.h"

namespace gatehouse::files {

// Holds a file's name below the folder with an index, an ending and a NUL behind it.
using NameRoom = std::array<char, path_bytes_max + name_bytes_max + 16>;

struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
};

struct Found {
  enum class Kind { file, folder, missing, forbidden, again, failed };  // folder: without the slash behind its path
  Kind kind = Kind::missing;
  int error = 0;  // of failed
  OpenFile file;
  std::string_view name;  // of the file that the client means, below the folder; in the room
  std::optional<conf::ContentCoding> coding;
};

// Looks for the file. The room is where names are put together.
Found find(int root, const conf::Files& policy, const FilePath& path, const http::CodingList& codings, Disk disk,
           NameRoom& room);

// The same by a file thread. Keeps what it needs alive: a request may leave it, a world may go.
struct FindJob final : FileJob, Pooled {
  FindJob(std::shared_ptr<const conf::Service> owner, const conf::Files& policy, const FilePath& path,
          const http::CodingList& codings);
  void work() override;

  std::shared_ptr<const conf::Service> service;  // owns the policy
  const conf::Files& files;
  http::CodingList coding_list;
  NameRoom path_room, name_room;
  FilePath wanted;
  std::string shown_path;  // the request's, for whoever waits
  std::shared_ptr<const UniqueFd> root;
  Found found;
};

// The folders of the routes, open.
class Roots {
 public:
  static constexpr LoopTime fresh_ms = 1000;

  // Null: it has to be opened with the disk's help (FindJob does, and keep() tells us), or can't be: error().
  std::shared_ptr<const UniqueFd> get(const std::string& folder, LoopTime now);
  void keep(const std::string& folder, std::shared_ptr<const UniqueFd> root, LoopTime now);
  int error() const { return error_; }
  void forget() { roots_.clear(); }  // a new world may have other folders

 private:
  struct Root {
    std::shared_ptr<const UniqueFd> fd;
    LoopTime opened_at = 0;
  };
  std::map<std::string, Root> roots_;
  int error_ = 0;
};

}  // namespace gatehouse::files
