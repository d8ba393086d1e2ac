// certificate_folder_io.h: a folder of NAME.crt + NAME.key, read again whenever it changed.
//   Last good stays: a pair that cannot be used is told and the one it was to replace stays; a folder that vanished
//   or became empty takes nothing away. A pair whose two files are gone stays, and is told, while it is assigned to a
//   host or no other certificate covers one of its names; then it is dropped. Unchanged content is not parsed again.
//   Symlinks are followed; names beginning with a dot are not looked at. Secrets  a key that others can read is
//   refused; one that its group can write, or a group that we are not in can
//            read, is used with a warning.
//   Threads  one (control).  Limits  pairs_max, file_bytes_max.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/certificate_set.h"
#include "net/read_file.h"

namespace gatehouse {

struct FileProblem {
  std::string file;
  std::string what;
  bool warning = false;  // it is used all the same
  bool operator==(const FileProblem&) const = default;
};

class CertificateFolder {
 public:
  static constexpr std::size_t file_bytes_max = 256 << 10;
  // Hosts that a certificate is assigned to; a new pair that does not cover them does not replace a good one.
  using Assigned = std::map<std::string, std::vector<std::string>>;  // by the certificate's name

  struct Reading {
    std::vector<NamedCertificate> certificates;  // sorted by name
    std::vector<FileProblem> problems;
    bool changed = false;  // since the last reading
  };

  explicit CertificateFolder(std::string path, std::size_t pairs_max = 4096)
      : path_(std::move(path)), pairs_max_(pairs_max) {}
  Reading read(WallTime now, const Assigned& assigned = {});

 private:
  struct Pair {
    Fingerprint content{};  // SHA-256 of both files
    CertificatePtr certificate;
  };
  std::optional<Pair> read_pair(const std::string& name, WallTime now, std::vector<FileProblem>& problems) const;
  // Drops the pairs that are not there any more, but for those that are needed; true: one was dropped.
  bool let_go(const std::set<std::string>& there, const Assigned& assigned, std::vector<FileProblem>& problems);
  Status list(std::set<std::string>& names, std::vector<FileProblem>& problems) const;

  std::string path_;
  std::size_t pairs_max_;
  std::map<std::string, Pair> good_;
};

}  // namespace gatehouse
