#include <iostream>

#include <openssl/crypto.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/serving_user.h"
#include "cli/text.h"
#include "conf/reader_io.h"
#include "conf/service_values.h"
#include "net/atomic_file.h"
#include "net/certificate.h"
#include "net/certificate_folder_io.h"
#include "net/privileges.h"
#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

int fail(const std::string& what) {
  std::cerr << printable(what) << "\n";
  return 1;
}

// Who serves has to be able to read it; started as root, that is another user.
Status write_for(const std::string& path, std::string_view bytes, mode_t mode, const std::string& user) {
  if (Status written = write_file_atomically(path, bytes, mode); !written) return written;
  if (::geteuid() != 0 || user.empty() || user == "root") return Done{};
  const Result<UserIds> ids = find_user(user);
  if (!ids) return ids.error();
  if (::chown(path.c_str(), ids->uid, ids->gid) != 0) return Error{Errc::io, path + ": can't be given to " + user};
  return Done{};
}

}  // namespace

// The key first: a pair that doesn't fit for a moment keeps the one before (net/certificate_folder_io.h).
int run_certs_add(const Where& where, const std::string& name, const std::string& crt, const std::string& key) {
  const std::string file = where.config.empty() ? usual_config : where.config;
  const conf::ReadConfig read = conf::read_config(file, conf::surroundings_of_process(file));
  const std::string& folder = read.config.certificates.files;
  if (conf::has_error(read.findings)) return fail(file + " has errors: see gatehouse check");
  if (folder.empty()) return fail("there is no folder to add it to: write certificates.files in " + file);
  if (const auto known = conf::parse_certificate_name("file:" + name); !known) return fail(known.error().what);
  const auto crt_file = read_file(crt, CertificateFolder::file_bytes_max);
  if (!crt_file) return fail(crt_file.error().what);
  auto key_file = read_file(key, CertificateFolder::file_bytes_max);
  if (!key_file) return fail(key_file.error().what);
  const auto loaded = load_certificate(crt_file->bytes, key_file->bytes, std::chrono::system_clock::now());
  if (!loaded) return fail("nothing was added: " + loaded.error().what);
  const std::string user = serving_user(read.config), base = folder + "/" + name;
  Status written = write_for(base + ".key", key_file->bytes, 0600, user);
  OPENSSL_cleanse(key_file->bytes.data(), key_file->bytes.size());
  if (written) written = write_for(base + ".crt", crt_file->bytes, 0644, user);
  if (!written) return fail(written.error().what);
  std::string names;
  for (const std::string& each : (*loaded)->names) names += (names.empty() ? "" : ", ") + each;
  const auto end = std::chrono::duration_cast<Millis>((*loaded)->not_after.time_since_epoch()).count();
  std::cout << printable(name + ": " + names + ", until " + utc_text(end)) << "\n"
            << "a gatehouse that runs serves it within a second or two; `gatehouse certs list` shows it\n";
  return 0;
}

}  // namespace gatehouse::cli
