#include "proxy/files/find_io.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace gatehouse::files {
namespace {

// A name that grows and shrinks at its end, and ends with a NUL.
class Name {
 public:
  explicit Name(NameRoom& room) : room_(room) {}
  bool set(std::string_view text) { return size_ = 0, add(text); }
  bool add(std::string_view text) {
    if (size_ + text.size() >= room_.size()) return false;
    size_ += text.copy(room_.data() + size_, text.size());
    room_[size_] = '\0';
    return true;
  }
  void cut_to(std::size_t size) { room_[size_ = size] = '\0'; }
  std::size_t size() const { return size_; }
  const char* c_str() const { return room_.data(); }
  std::string_view view() const { return {room_.data(), size_}; }

 private:
  NameRoom& room_;
  std::size_t size_ = 0;
};

Found::Kind kind_of(int error) {
  switch (error) {
    case EAGAIN: return Found::Kind::again;
    case EACCES:
    case EPERM: return Found::Kind::forbidden;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:  // out of the folder
    case ENAMETOOLONG:
    case ENXIO: return Found::Kind::missing;  // a socket, or a FIFO's other end
    default: return Found::Kind::failed;
  }
}

Found::Kind kind_of(const Opened& opened) {
  if (opened.error != 0) return kind_of(opened.error);
  return opened.is_file ? Found::Kind::file : opened.is_folder ? Found::Kind::folder : Found::Kind::missing;
}

class Search {
 public:
  Search(int root, const conf::Files& policy, const http::CodingList& codings, Disk disk, NameRoom& room)
      : root_(root), policy_(policy), codings_(codings), disk_(disk), name_(room) {}

  Found run(const FilePath& path) {
    Found found;
    if (!path.is_folder)
      found = look(path.name);
    else
      found = look_for_index(path.name);
    if (found.kind == Found::Kind::missing && !policy_.fallback.empty()) {
      found = look(std::string_view(policy_.fallback).substr(1));
      if (found.kind == Found::Kind::folder) found.kind = Found::Kind::missing;
    }
    if (found.kind == Found::Kind::file) prefer_coded(found);
    return found;
  }

 private:
  Found look(std::string_view name) {
    Found found;
    if (!name_.set(name)) return found;
    Opened opened = open_shown();
    found.kind = kind_of(opened);
    found.error = opened.error;
    found.file = {std::move(opened.fd), opened.size, opened.modified_ns};
    found.name = name_.view();
    return found;
  }

  // What a link leads to must be something that may be asked for by its own name.
  Opened open_shown() const {
    Opened opened = open_beneath(root_, name_.c_str(), disk_);
    if (opened.error != 0 || !opened.by_link) return opened;
    const std::optional<std::string> own = path_beneath(root_, opened.fd.get());
    if (own && is_shown(*own)) return opened;
    Opened missing;
    missing.error = ENOENT;
    return missing;
  }

  Found look_for_index(std::string_view folder) {
    Found found;
    std::array<char, path_bytes_max + name_bytes_max + 2> whole;
    for (const std::string& index : policy_.index) {
      std::size_t size = folder.copy(whole.data(), folder.size());
      if (size > 0) whole[size++] = '/';
      size += std::string_view(index).copy(whole.data() + size, whole.size() - size);
      found = look({whole.data(), size});
      if (found.kind == Found::Kind::folder) found.kind = Found::Kind::missing;
      if (found.kind != Found::Kind::missing) break;
    }
    return found;
  }

  // The first of the codings in which the file is there. What can't be opened is as good as not there.
  void prefer_coded(Found& found) {
    const std::size_t size = name_.size();
    for (const conf::ContentCoding coding : codings_.list()) {
      name_.cut_to(size);
      if (!name_.add(conf::suffix_of(coding))) continue;
      Opened opened = open_shown();
      if (opened.error == EAGAIN) {
        found.kind = Found::Kind::again;
        break;
      }
      if (!opened.is_file) continue;
      found.file = {std::move(opened.fd), opened.size, opened.modified_ns};
      found.coding = coding;
      break;
    }
    name_.cut_to(size);
    found.name = name_.view();
  }

  int root_;
  const conf::Files& policy_;
  const http::CodingList& codings_;
  Disk disk_;
  Name name_;
};

}  // namespace

Found find(int root, const conf::Files& policy, const FilePath& path, const http::CodingList& codings, Disk disk,
           NameRoom& room) {
  return Search(root, policy, codings, disk, room).run(path);
}

FindJob::FindJob(std::shared_ptr<const conf::Service> owner, const conf::Files& policy, const FilePath& path,
                 const http::CodingList& codings)
    : service(std::move(owner)), files(policy), coding_list(codings), wanted(path) {
  wanted.name = {path_room.data(), path.name.copy(path_room.data(), path_room.size())};
}

void FindJob::work() {
  if (!root) {
    Opened folder = open_folder(files.folder.c_str(), Disk::wait);
    if (folder.error != 0) {
      found.kind = Found::Kind::failed;
      found.error = folder.error;
      return;
    }
    root = std::make_shared<const UniqueFd>(std::move(folder.fd));
  }
  found = find(root->get(), files, wanted, coding_list, Disk::wait, name_room);
  if (found.kind == Found::Kind::again) found.kind = Found::Kind::failed;
}

std::shared_ptr<const UniqueFd> Roots::get(const std::string& folder, LoopTime now) {
  Root& root = roots_[folder];
  if (root.fd && now - root.opened_at < fresh_ms) return root.fd;
  Opened opened = open_folder(folder.c_str(), Disk::cached);
  error_ = opened.error;
  if (root.fd && (error_ == EMFILE || error_ == ENFILE || error_ == ENOMEM)) return root.fd;  // better than none
  root.fd = error_ == 0 ? std::make_shared<const UniqueFd>(std::move(opened.fd)) : nullptr;
  root.opened_at = now;
  return root.fd;
}

void Roots::keep(const std::string& folder, std::shared_ptr<const UniqueFd> root, LoopTime now) {
  roots_[folder] = {std::move(root), now};
}

}  // namespace gatehouse::files
