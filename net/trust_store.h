// trust_store.h: the authorities that a backend's certificate is judged by.
//   Read whole and once, off the data path: OpenSSL's own folder look-up would read files within a handshake.
//   Immutable and shared. A file without a single certificate is an error, never "trust nobody" or "trust all".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/openssl_ptr.h"
#include "net/result.h"

namespace gatehouse {

class TrustStore {
 public:
  static constexpr std::size_t file_bytes_max = 8 << 20;

  static Result<std::shared_ptr<const TrustStore>> from_pem(std::string_view pem);
  static Result<std::shared_ptr<const TrustStore>> from_file(const std::string& path);
  // The machine's bundle: $SSL_CERT_FILE, else the first readable of the places where systems keep it.
  static Result<std::shared_ptr<const TrustStore>> from_system();

  X509_STORE* get() const { return store_.get(); }
  int size() const { return size_; }

 private:
  X509StorePtr store_;
  int size_ = 0;
};
using TrustStorePtr = std::shared_ptr<const TrustStore>;

// The machine's bundle over time: read at each look, which gives the same store as long as the content is the same.
// Threads  one. Blocks on the disk.
class SystemTrust {
 public:
  Result<TrustStorePtr> look();
  const TrustStorePtr& last() const { return store_; }  // of the last look that was good; null: none was

 private:
  std::string content_;
  TrustStorePtr store_;
};

}  // namespace gatehouse
