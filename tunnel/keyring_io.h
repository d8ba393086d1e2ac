// keyring_io.h: the key files of a configuration, read and refused where they are not kept well.
//   Refused: a file or folder that others can read or a group can write, a link that leads out of its folder, and
//   what keyring.h and key_audit.h refuse. Blocks on the disk: for the control thread.
//   Limits  files_max in a folder.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tunnel/keyring.h"
#include "tunnel/plan.h"

namespace gatehouse::tunnel {

inline constexpr std::size_t key_files_max = 10'000;

struct KeyFile {
  std::string path;
  std::int64_t changed_ms = 0;  // wall clock: how old its keys are
  std::vector<KeyEntry> entries;
};

struct KeyFiles {
  std::vector<KeyFile> files;
  conf::Findings findings;  // with the configuration's path, to be placed; or with the place in the key file
};

// `path`: the configuration's key, for findings.
KeyFiles read_secrets(const conf::TunnelSecrets& secrets, const std::string& path);

// One file, as read_secrets does.
KeyFiles read_key_file(const std::string& file, const std::string& path, conf::KeyFormat format);

// All keys of a configuration, judged together. With errors among the findings it is good for finding more alone.
struct LoadedKeys {
  KeySet keys;
  conf::Findings findings;  // to be placed
};
LoadedKeys load_keys(const conf::Tunnel& tunnel);

std::set<std::string> key_paths(const conf::Tunnel& tunnel);  // files and folders, to be watched

}  // namespace gatehouse::tunnel
