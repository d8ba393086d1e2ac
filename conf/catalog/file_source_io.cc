#include "conf/catalog/file_source_io.h"

#include <algorithm>
#include <filesystem>

#include "conf/config.h"
#include "net/read_file.h"

namespace gatehouse::catalog {
namespace {

namespace fs = std::filesystem;

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
    Result<FileContent> content = read_file(real.string(), file_bytes_max);
    if (content)
      file.text = std::move(content->bytes);
    else
      file.failure = content.error().what;
    bytes += file.text.size();
  }
  out.files.push_back(std::move(file));
}

}  // namespace

Folder read_folder(const std::string& folder, const std::string& shown_as) {
  Folder out;
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));  // editors' locks and half-written files
  }
  if (error == std::errc::no_such_file_or_directory && folder == conf::CatalogSource{}.files) {
    out.findings.push_back(passed_over(shown_as, "there is no such folder: no services come from it"));
    return out;
  }
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
