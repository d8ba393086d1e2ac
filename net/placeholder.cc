#include "net/placeholder.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include "net/host_name.h"
#include "net/openssl_error.h"

namespace gatehouse {
namespace {

constexpr auto life = std::chrono::hours(24 * 365);
constexpr auto clock_slack = std::chrono::hours(1);  // of clients that are a little behind

bool set_times(X509* leaf, WallTime now) {
  return ASN1_TIME_set(X509_getm_notBefore(leaf), WallTime::clock::to_time_t(now - clock_slack)) &&
         ASN1_TIME_set(X509_getm_notAfter(leaf), WallTime::clock::to_time_t(now + life));
}

bool set_serial(X509* leaf) {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = (bytes[0] & 0x7f) | 0x40;  // positive, and never short
  ASN1_INTEGER* serial = X509_get_serialNumber(leaf);
  return ASN1_STRING_set(serial, bytes.data(), bytes.size()) == 1;
}

bool set_subject(X509* leaf) {
  X509_NAME* subject = X509_get_subject_name(leaf);
  const auto add = [&](const char* field) {
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(placeholder_subject.data()),
                                      static_cast<int>(placeholder_subject.size()), -1, 0) == 1;
  };
  return add("O") && add("CN") && X509_set_issuer_name(leaf, subject) == 1;
}

bool add_extension(X509* leaf, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, leaf, leaf, nullptr, nullptr, 0);
  const X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(leaf, extension.get(), -1) == 1;
}

// Names come from a configuration and end up in OpenSSL's own little language: only well-formed ones may.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  if (names.empty()) return std::string("DNS:placeholder.invalid");
  std::string out;
  for (const std::string& name : names) {
    const bool wildcard = name.starts_with("*.");
    const auto host = HostName::parse(wildcard ? std::string_view(name).substr(2) : name);
    if (!out.empty()) out += ',';
    if (const auto address = IpAddress::parse(name))
      out += "IP:" + address->text();
    else if (host)
      out += "DNS:" + std::string(wildcard ? "*." : "") + std::string(host->text());
    else
      return invalid("\"" + name + "\" is no name for a certificate");
  }
  return out;
}

std::string pem_text(const BioPtr& from) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(from.get(), &bytes);
  return size > 0 ? std::string(bytes, size) : std::string();
}

}  // namespace

namespace {

// id-pe-acmeIdentifier, critical: an OCTET STRING of the digest.
bool add_digest(X509* leaf, const std::array<std::uint8_t, 32>& digest) {
  const std::unique_ptr<ASN1_OBJECT, FreedBy<ASN1_OBJECT_free>> id(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const std::unique_ptr<ASN1_OCTET_STRING, FreedBy<ASN1_OCTET_STRING_free>> value(ASN1_OCTET_STRING_new());
  std::array<unsigned char, 34> der{V_ASN1_OCTET_STRING, 32};
  std::copy(digest.begin(), digest.end(), der.begin() + 2);
  if (!id || !value || ASN1_OCTET_STRING_set(value.get(), der.data(), static_cast<int>(der.size())) != 1)
    return false;
  const X509ExtensionPtr extension(X509_EXTENSION_create_by_OBJ(nullptr, id.get(), 1, value.get()));
  return extension && X509_add_ext(leaf, extension.get(), -1) == 1;
}

Result<CertificatePtr> make_self_signed(const std::vector<std::string>& names, WallTime now,
                                        const std::array<std::uint8_t, 32>* digest) {
  take_openssl_error();
  const auto alternatives = alternative_names(names);
  if (!alternatives) return alternatives.error();
  const EvpPkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const X509Ptr leaf(X509_new());
  const bool made =
      key && leaf && X509_set_version(leaf.get(), X509_VERSION_3) == 1 && set_serial(leaf.get()) &&
      set_times(leaf.get(), now) && set_subject(leaf.get()) && X509_set_pubkey(leaf.get(), key.get()) == 1 &&
      add_extension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(leaf.get(), NID_ext_key_usage, "serverAuth") &&
      add_extension(leaf.get(), NID_subject_alt_name, *alternatives) &&
      (digest == nullptr || add_digest(leaf.get(), *digest)) && X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0;
  if (!made) return Error{Errc::tls, "cannot make a placeholder certificate: " + take_openssl_error()};

  // Through the same door as any other certificate.
  const BioPtr crt(BIO_new(BIO_s_mem())), pem_key(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(crt.get(), leaf.get()) != 1 ||
      PEM_write_bio_PrivateKey(pem_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return Error{Errc::tls, "cannot write a placeholder certificate: " + take_openssl_error()};
  std::string key_text = pem_text(pem_key);
  auto loaded = load_certificate(pem_text(crt), key_text, now);
  OPENSSL_cleanse(key_text.data(), key_text.size());
  return loaded;
}

}  // namespace

Result<CertificatePtr> make_placeholder(const std::vector<std::string>& names, WallTime now) {
  return make_self_signed(names, now, nullptr);
}

Result<CertificatePtr> make_challenge_certificate(const std::string& name, const std::array<std::uint8_t, 32>& digest,
                                                  WallTime now) {
  return make_self_signed({name}, now, &digest);
}

}  // namespace gatehouse
