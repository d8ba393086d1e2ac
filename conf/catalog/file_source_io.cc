#include "conf/catalog/file_source_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gatehouse::catalog {
namespace {

namespace fs = std::filesystem;

// Reads at most one byte more than a file may have, so that the parser can tell that it is too large.
std::string read_regular_file(const std::string& path, std::string& text) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::string("can't be opened: ") + std::strerror(errno);
  struct stat status{};
  std::string failure;
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    failure = "not a regular file";
  } else {
    char buffer[65536];
    ssize_t count = 0;
    while (text.size() <= file_bytes_max &&
           ((count = ::read(fd, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR)))
      if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    if (count < 0) failure = std::string("can't be read: ") + std::strerror(errno);
  }
  ::close(fd);
  return failure;
}

conf::Finding passed_over(const std::string& name, const char* why) {
  return {{name}, "", why, conf::Severity::warning};
}

// A name of the folder; whether it is a definition is told by what a link leads to, as in Consul.
void read_entry(const fs::path& path, const std::string& shown, std::size_t& bytes, Folder& out) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) {
    out.files.push_back({shown, "", "the link leads nowhere"});
    return;
  }
  if (fs::is_directory(real, error)) return;
  const std::string extension = real.extension().string();
  if (extension == ".hcl") return out.findings.push_back(hcl_refused(shown));
  if (extension != ".json")
    return out.findings.push_back(passed_over(shown, "passed over: the name doesn't end in .json"));
  FolderFile file{.name = shown};
  if (out.files.size() >= folder_files_max || bytes > folder_bytes_max) {
    file.failure = "not read: the folder has more than 4096 files or 256 MiB";
  } else {
    file.failure = read_regular_file(real.string(), file.text);
    bytes += file.text.size();
  }
  out.files.push_back(std::move(file));
}

}  // namespace

Folder read_folder(const std::string& folder, const std::string& shown_as) {
  Folder out;
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) {
    out.failure = shown_as + ": can't be read: " + error.message();
    return out;
  }
  std::sort(names.begin(), names.end());
  std::size_t bytes = 0;
  for (const std::string& name : names) read_entry(fs::path(folder) / name, shown_as + "/" + name, bytes, out);
  return out;
}

}  // namespace gatehouse::catalog
