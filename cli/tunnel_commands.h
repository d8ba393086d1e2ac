// tunnel_commands.h: what `gatehouse tunnel …` does. Each returns the exit code, as in commands.h.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace gatehouse::cli {

struct KeygenOptions {
  std::string client, server, service, out;  // out empty: the key's line goes to stdout
  bool compat = false;                       // a key that stunnel before 5.51 reads alike
};

struct RotateOptions {
  std::string identity, stage, key;  // key: the file to switch to
  std::string idle = "1h";           // how long a generation must not have been seen, to be retired
};

int run_tunnel_list(const Where& where, bool json);
int run_tunnel_why(const Where& where, const std::string& name);
int run_tunnel_test(const Where& where, const std::string& name);
int run_tunnel_keygen(const KeygenOptions& options);
int run_tunnel_import(const std::string& file);
int run_tunnel_audit(const std::vector<std::string>& folders);
int run_tunnel_rotate(const Where& where, const RotateOptions& options);
int run_tunnel_revoke(const Where& where, const std::string& identity);

}  // namespace gatehouse::cli
