#include "acme/csr.h"

#include "net/host_name.h"
#include "net/openssl_error.h"

namespace gatehouse::acme {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, FreedBy<X509_REQ_free>>;
struct FreesExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * p) const { sk_X509_EXTENSION_pop_free(p, X509_EXTENSION_free); }
};
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), FreesExtensions>;

// Names end up in OpenSSL's own little language: only well-formed ones may.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  if (names.empty() || names.size() > names_most)
    return invalid("a certificate has 1 to " + std::to_string(names_most) + " names");
  std::string out;
  for (const std::string& name : names) {
    const bool wildcard = name.starts_with("*.");
    const auto host = HostName::parse(wildcard ? std::string_view(name).substr(2) : name);
    if (!host) return invalid("\"" + name + "\" is no name for a certificate");
    out += (out.empty() ? "DNS:" : ",DNS:") + std::string(wildcard ? "*." : "") + std::string(host->text());
  }
  return out;
}

}  // namespace

Result<std::string> make_csr(EVP_PKEY& key, const std::vector<std::string>& names) {
  const Result<std::string> alternatives = alternative_names(names);
  if (!alternatives) return alternatives.error();
  take_openssl_error();
  const RequestPtr request(X509_REQ_new());
  const ExtensionsPtr extensions(sk_X509_EXTENSION_new_null());
  X509_EXTENSION* named = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives->c_str());
  if (named != nullptr && (!extensions || sk_X509_EXTENSION_push(extensions.get(), named) == 0)) {
    X509_EXTENSION_free(named);
    named = nullptr;
  }
  unsigned char* der = nullptr;
  const bool made = request && named != nullptr && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_REQ_set_pubkey(request.get(), &key) == 1 &&
                    X509_REQ_add_extensions(request.get(), extensions.get()) == 1 &&
                    X509_REQ_sign(request.get(), &key, EVP_sha256()) > 0;
  const int size = made ? i2d_X509_REQ(request.get(), &der) : -1;
  if (size < 0) return Error{Errc::tls, "can't make a certificate request: " + take_openssl_error()};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace gatehouse::acme
