#include "conf/catalog/file_source.h"

#include <openssl/evp.h>

#include "conf/catalog/assemble.h"

namespace gatehouse::catalog {
namespace {

std::array<unsigned char, 32> hash_of(const std::string& text) {
  std::array<unsigned char, 32> hash{};
  EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

}  // namespace

void FileSource::read(const FolderFile& file, Known& known) {
  if (!file.failure.empty()) {
    known.hash = {};
    known.findings = {{{file.name}, "", file.failure}};
  } else if (const Hash hash = hash_of(file.text); hash != known.hash) {
    ServiceFile parsed = parse_service_file(file.text, file.name, home_);
    known.hash = hash;
    known.findings = std::move(parsed.findings);
    const bool worse =
        parsed.doubtful && known.has_good && !known.good.doubtful;  // or empty, as while it is being written
    if (parsed.accepted && !worse) {
      known.good = std::move(parsed);
      known.has_good = true;
      return;
    }
  } else {
    return;
  }
  if (known.has_good)
    known.findings.push_back(
        {{file.name}, "", "its last good content stays in force until a restart", conf::Severity::warning});
}

void FileSource::set_home(Home home) {
  if (home == home_) return;
  home_ = std::move(home);
  for (auto& [name, known] : files_) known.hash = {};
}

SourceState FileSource::update(const Folder& folder) {
  SourceState out{{}, folder.findings};
  if (!folder.failure.empty() || (folder.files.empty() && !files_.empty())) {
    const std::string why =
        folder.failure.empty() ? "the folder of the catalog has no definitions left" : folder.failure;
    out.findings.push_back(
        {{}, "catalog.files", files_.empty() ? why : why + "; the last good state stays in force until a restart"});
  } else {
    std::map<std::string, Known> next;
    for (const FolderFile& file : folder.files) {
      const auto known = files_.find(file.name);
      Known& entry = next[file.name];
      if (known != files_.end()) entry = std::move(known->second);
      read(file, entry);
    }
    files_ = std::move(next);
  }
  std::vector<const ServiceFile*> good;
  for (const auto& [name, known] : files_) {
    out.findings.insert(out.findings.end(), known.findings.begin(), known.findings.end());
    if (known.has_good) good.push_back(&known.good);
  }
  NodeInstances node = assemble(good, home_);
  out.instances = std::move(node.instances);
  out.findings.insert(out.findings.end(), node.findings.begin(), node.findings.end());
  return out;
}

}  // namespace gatehouse::catalog
