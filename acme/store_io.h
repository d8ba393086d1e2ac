// store_io.h: what the ACME client keeps, in a folder of its own (0700) within the state folder:
//     accounts/CA/account.key, account.json                the key first, its URL when the CA has given it
//     accounts/CA/next.key                                 while the account's key is being changed
//     certificates/NAME/0007.pem                           key and chain in one file: they change as one
//     certificates/NAME/next.key, record.json              of the order under way; record.h
//   Every file is 0600 from its first byte and replaced whole (net/atomic_file.h). The highest version that can be
//   used is the one; versions_kept stay, for going back by hand.
//   Threads  one (control). Blocks on the disk.  Failure  in words; what was there stays.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/record.h"
#include "net/certificate.h"

namespace gatehouse::acme {

struct KeptAccount {
  std::string key_pem, url;  // empty: not yet
  std::string next_key_pem;  // of a change whose end is not known; empty: none
};

struct KeptCertificate {
  std::string name;
  CertificatePtr certificate;  // null: none yet
  Record record;
};

class Store {
 public:
  static constexpr std::size_t versions_kept = 4;
  static constexpr std::size_t names_most = 40'000;

  explicit Store(std::string folder) : folder_(std::move(folder)) {}
  Status open();

  Result<KeptAccount> account(const std::string& directory_url) const;
  Status save_account_key(const std::string& directory_url, const std::string& pem);
  Status save_next_account_key(const std::string& directory_url, const std::string& pem);
  void drop_next_account_key(const std::string& directory_url);
  Status save_account_url(const std::string& directory_url, const std::string& url);

  // `problems`: what is there and can't be used.
  std::vector<KeptCertificate> load(WallTime now, std::vector<std::string>& problems) const;
  Status save(const std::string& name, const Record& record);
  std::string next_key(const std::string& name) const;  // empty: there is none
  Status save_next_key(const std::string& name, const std::string& pem);
  Status save_certificate(const std::string& name, const std::string& key_pem, const std::string& chain_pem);
  void forget(const std::string& name);

 private:
  std::string account_folder(const std::string& directory_url) const;
  std::string folder_of(const std::string& name) const;
  KeptCertificate load_one(const std::string& name, WallTime now, std::vector<std::string>& problems) const;

  std::string folder_;
};

}  // namespace gatehouse::acme
