#include "acme/chain.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <optional>
#include <utility>

#include <openssl/pem.h>

#include "net/openssl_error.h"
#include "net/wall_time.h"

namespace gatehouse::acme {
namespace {

// When it was made to begin and to end; nothing where there is none.
std::optional<std::pair<WallTime, WallTime>> life_of(std::string_view chain_pem) {
  take_openssl_error();
  const BioPtr text(
      BIO_new_mem_buf(chain_pem.data(), static_cast<int>(std::min<std::size_t>(chain_pem.size(), INT_MAX))));
  const X509Ptr leaf(text ? PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr) : nullptr);
  take_openssl_error();
  std::tm from{}, to{};
  if (!leaf || ASN1_TIME_to_tm(X509_get0_notBefore(leaf.get()), &from) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &to) != 1)
    return std::nullopt;
  return std::pair(wall_time(::timegm(&from)), wall_time(::timegm(&to)));
}

}  // namespace

Result<CertificatePtr> judge_chain(std::string_view chain_pem, std::string_view key_pem,
                                   const std::vector<std::string>& names, WallTime now) {
  if (chain_pem.size() > chain_bytes_most) return invalid("the CA's certificate is too long");
  const auto life = life_of(chain_pem);
  // What begins in a moment by our clock has begun by the CA's.
  const bool ahead = life && life->first > now && life->first - now <= skew_most;
  const Result<CertificatePtr> loaded = load_certificate(chain_pem, key_pem, ahead ? life->first : now);
  if (!loaded) return Error{loaded.error().code, "the CA's certificate can't be used: " + loaded.error().what};
  for (const std::string& name : names) {
    const auto& in = (*loaded)->names;
    if (std::find(in.begin(), in.end(), name) == in.end())
      return invalid("the CA's certificate can't be used: it does not name " + name);
  }
  return loaded;
}

bool leads_to(std::string_view chain_pem, std::string_view root) {
  if (chain_pem.size() > chain_bytes_most) return false;
  const BioPtr text(BIO_new_mem_buf(chain_pem.data(), static_cast<int>(chain_pem.size())));
  X509Ptr last;
  while (X509Ptr next{text ? PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr) : nullptr})
    last = std::move(next);
  take_openssl_error();
  if (!last) return false;
  const X509_NAME* issuer = X509_get_issuer_name(last.get());
  const int at = X509_NAME_get_index_by_NID(issuer, NID_commonName, -1);
  if (at < 0) return false;
  const ASN1_STRING* name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, at));
  return root == std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                                  static_cast<std::size_t>(ASN1_STRING_length(name)));
}

Result<CertificatePtr> load_kept(std::string_view chain_pem, std::string_view key_pem, WallTime now) {
  const auto life = life_of(chain_pem);
  return load_certificate(chain_pem, key_pem,
                          life ? std::clamp(now, life->first, std::max(life->first, life->second - 1s)) : now);
}

}  // namespace gatehouse::acme
