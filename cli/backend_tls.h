// backend_tls.h: how we speak TLS to backends: authorities and client certificates, from the files services name.
//   Services that speak TLS alike share a policy, and the pointer stays the same as long as nothing changed. All is
//   read anew at each update, the machine's own authorities too: a renewed file takes effect without a restart.
//   Last good stays: what can't be used is told, and the policy it was to replace goes on; a service that never had a
//   usable one has none.
//   Secrets  a key that others can read is refused.
//   Threads  one (control). Blocks on the disk.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"
#include "net/certificate.h"
#include "net/tls_files.h"

namespace gatehouse::cli {

class BackendTls {
 public:
  // Reads what these services name, and forgets what none of them names any more. What is wrong, once per service.
  conf::Findings update(const std::vector<std::shared_ptr<const conf::Service>>& services);
  // Null: there is none that can be used.
  std::shared_ptr<const TlsClientPolicy> policy(const conf::Service& service) const;
  std::vector<std::string> files() const;  // that the services name, to be watched

 private:
  struct Known {
    Fingerprint content{};  // SHA-256 of the files that the policy was made from
    std::shared_ptr<const TlsClientPolicy> policy;
    std::string wrong;  // why what the files hold now can't be used
  };
  static TlsFiles files_of(const conf::Service& service);
  Status read(const TlsFiles& files, Known& known);

  std::map<TlsFiles, Known> known_;
  SystemTrust system_;
};

}  // namespace gatehouse::cli
