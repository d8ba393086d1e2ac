// file_source.h: a folder of service definitions as the source of instances. Pure: the folder comes as values.
//   Each file keeps its last good content: one that breaks, empties or can't be read goes on as it was, and is told;
//   so does one with a check that could never pass, if there was anything good before.
//   A file that is gone is gone; a folder that is gone or has no definitions left keeps all (write {"services": []}
//   to mean none). Files are told apart by name, and parsed again only when their content's hash changes.
//   Threads  one (control).
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "conf/catalog/service_file.h"

namespace gatehouse::catalog {

// One definition file of the folder, read or not.
struct FolderFile {
  std::string name;  // as findings show it: the folder as the operator named it, and the file's name
  std::string text;
  std::string failure;  // not empty: why it could not be read
};

struct Folder {
  std::vector<FolderFile> files;  // by name
  std::string failure;            // not empty: why the folder could not be read
  conf::Findings findings;        // files passed over
};

struct SourceState {
  std::vector<conf::Instance> instances;
  conf::Findings findings;
};

class FileSource {
 public:
  explicit FileSource(Home home) : home_(std::move(home)) {}

  // What the node is called from the next update on; each file is parsed anew.
  void set_home(Home home);
  SourceState update(const Folder& folder);

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Known {
    Hash hash{};              // of the content seen last
    conf::Findings findings;  // about that content
    ServiceFile good;
    bool has_good = false;
  };

  void read(const FolderFile& file, Known& known);

  Home home_;
  std::map<std::string, Known> files_;
};

}  // namespace gatehouse::catalog
