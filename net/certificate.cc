#include "net/certificate.h"

#include <algorithm>
#include <climits>
#include <ctime>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "net/host_name.h"
#include "net/openssl_error.h"
#include "net/wall_time.h"

namespace gatehouse {
namespace {

constexpr int rsa_bits_min = 2048;
constexpr int chain_length_max = 16;

BioPtr reading(std::string_view text) {
  if (text.size() > INT_MAX) return nullptr;
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_passphrase(char*, int, int, void*) { return -1; }  // the default asks at the terminal

std::string date_text(WallTime time) {
  const std::time_t seconds = WallTime::clock::to_time_t(time);
  std::tm parts;
  char text[32];
  gmtime_r(&seconds, &parts);
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts));
}

bool read_time(const ASN1_TIME* from, WallTime& to) {
  std::tm parts;
  if (ASN1_TIME_to_tm(from, &parts) != 1) return false;
  to = wall_time(timegm(&parts));
  return true;
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// What is not a well-formed name (a NUL within, an inner '*') covers nothing and is left out.
void add_name(std::string_view text, Certificate& to) {
  const bool wildcard = text.starts_with("*.");
  const auto name = HostName::parse(wildcard ? text.substr(2) : text);
  if (name) to.names.push_back((wildcard ? "*." : "") + std::string(name->text()));
}

std::string subject_entry(X509* leaf, int nid) {
  X509_NAME* subject = X509_get_subject_name(leaf);
  const int at = X509_NAME_get_index_by_NID(subject, nid, -1);
  if (at < 0) return {};
  return std::string(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

void read_names(X509* leaf, Certificate& to) {
  const GeneralNamesPtr alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) {
      add_name(text_of(name->d.dNSName), to);
    } else if (name->type == GEN_IPADD) {
      const std::string_view bytes = text_of(name->d.iPAddress);
      if (bytes.size() != 4 && bytes.size() != 16) continue;
      IpAddress address = IpAddress::v4(0, 0, 0, 0);
      std::copy(bytes.begin(), bytes.end(), address.bytes.end() - bytes.size());
      to.addresses.push_back(address);
    }
  }
}

// Empty, or why the key will not do.
std::string judge_key(EVP_PKEY* key, Certificate& to) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      to.key_type = KeyType::rsa;
      const int bits = EVP_PKEY_get_bits(key);
      if (bits >= rsa_bits_min) return {};
      return "the RSA key has " + std::to_string(bits) + " bits; at least " + std::to_string(rsa_bits_min) +
             " are needed";
    }
    case EVP_PKEY_EC: {
      to.key_type = KeyType::ecdsa;
      char group[64] = "";
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, nullptr);
      const std::string_view name = group;
      if (name == SN_X9_62_prime256v1 || name == SN_secp384r1 || name == SN_secp521r1) return {};
      return "the key's curve is " + std::string(name) + "; P-256, P-384 or P-521 is needed";
    }
    case EVP_PKEY_ED25519: to.key_type = KeyType::ed25519; return {};
    default: return "the key is neither RSA nor ECDSA nor Ed25519";
  }
}

Status read_chain(std::string_view crt_pem, Certificate& to) {
  const BioPtr in = reading(crt_pem);
  if (in) to.leaf.reset(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
  if (!to.leaf) return invalid("the certificate cannot be read: " + take_openssl_error());
  to.chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)) {
    if (!sk_X509_push(to.chain.get(), next)) X509_free(next);
    if (sk_X509_num(to.chain.get()) > chain_length_max)
      return invalid("the chain is longer than " + std::to_string(chain_length_max) + " certificates");
  }
  // "No start line" is how the reader says that the file has ended.
  const unsigned long last = ERR_peek_last_error();
  const bool ended = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string error = take_openssl_error();
  if (!ended) return invalid("the chain after the certificate cannot be read: " + error);
  return Done{};
}

Status read_key(std::string_view key_pem, Certificate& to) {
  const BioPtr in = reading(key_pem);
  if (in) to.key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  const std::string error = take_openssl_error();
  if (to.key) return Done{};
  if (key_pem.find("ENCRYPTED") != std::string_view::npos)
    return invalid("the key is encrypted; write it without a passphrase (openssl pkey) and guard it by its mode");
  return invalid("the key cannot be read: " + error);
}

Status judge_match(const Certificate& certificate) {
  const bool match = X509_check_private_key(certificate.leaf.get(), certificate.key.get()) == 1;
  take_openssl_error();
  if (match) return Done{};
  for (int i = 0; i < sk_X509_num(certificate.chain.get()); ++i) {
    const bool later = X509_check_private_key(sk_X509_value(certificate.chain.get(), i), certificate.key.get()) == 1;
    take_openssl_error();
    if (later) return invalid("the key belongs to a later certificate of the file; that one must come first");
  }
  return invalid("the key does not match the certificate");
}

Status judge_time(const Certificate& certificate, WallTime now) {
  if (now >= certificate.not_after) return invalid("expired on " + date_text(certificate.not_after));
  if (now < certificate.not_before) return invalid("not valid before " + date_text(certificate.not_before));
  return Done{};
}

// What only the TLS library knows (digests of the chain, say) must not come to light in a handshake.
Status judge_by_library(const Certificate& certificate) {
  const SslCtxPtr context(SSL_CTX_new(TLS_method()));
  if (!context) return Error{Errc::tls, take_openssl_error()};
  SSL_CTX_set_security_level(context.get(), 2);
  const bool good = SSL_CTX_use_cert_and_key(context.get(), certificate.leaf.get(), certificate.key.get(),
                                             certificate.chain.get(), 1) == 1;
  const std::string error = take_openssl_error();
  if (!good) return invalid("the TLS library refuses it: " + error);
  return Done{};
}

Status judge_use(const Certificate& certificate, CertificateUse use) {
  const bool server = use == CertificateUse::server;
  if (server && certificate.names.empty() && certificate.addresses.empty())
    return invalid(
        "the certificate covers no name: names belong in its subjectAltName, clients don't look at the common name");
  const int purpose = server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  if (X509_check_purpose(certificate.leaf.get(), purpose, 0) != 1)
    return invalid(std::string("the certificate's key usage is not for TLS ") + (server ? "servers" : "clients"));
  return Done{};
}

void describe(Certificate& to) {
  unsigned length = 0;
  X509_digest(to.leaf.get(), EVP_sha256(), to.fingerprint.data(), &length);
  to.placeholder = subject_entry(to.leaf.get(), NID_organizationName) == placeholder_subject;
  const BioPtr line(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(line.get(), X509_get_issuer_name(to.leaf.get()), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(line.get(), &text);
  if (size > 0) to.issuer.assign(text, size);
}

}  // namespace

bool Certificate::covers(std::string_view host) const {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (const auto address = IpAddress::parse(host))
    return std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
  const auto name = HostName::parse(host);
  if (!name) return false;
  const auto matches = [&](std::string_view pattern) {
    return pattern.starts_with("*.") ? !name->parent().empty() && pattern.substr(2) == name->parent()
                                     : pattern == name->text();
  };
  return std::any_of(names.begin(), names.end(), matches);
}

std::string Certificate::fingerprint_text() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : fingerprint) (out += digits[byte >> 4]) += digits[byte & 15];
  return out;
}

Result<CertificatePtr> load_certificate(std::string_view crt_pem, std::string_view key_pem, WallTime now,
                                        CertificateUse use) {
  take_openssl_error();  // what others left must not be told as ours
  auto certificate = std::make_shared<Certificate>();
  if (auto status = read_chain(crt_pem, *certificate); !status) return status.error();
  if (auto status = read_key(key_pem, *certificate); !status) return status.error();
  if (std::string why = judge_key(certificate->key.get(), *certificate); !why.empty()) return invalid(why);
  if (auto status = judge_match(*certificate); !status) return status.error();
  if (!read_time(X509_get0_notBefore(certificate->leaf.get()), certificate->not_before) ||
      !read_time(X509_get0_notAfter(certificate->leaf.get()), certificate->not_after))
    return invalid("the certificate's dates cannot be read");
  if (auto status = judge_time(*certificate, now); !status) return status.error();
  read_names(certificate->leaf.get(), *certificate);
  if (auto status = judge_use(*certificate, use); !status) return status.error();
  if (auto status = judge_by_library(*certificate); !status) return status.error();
  describe(*certificate);
  return CertificatePtr(std::move(certificate));
}

bool use_certificate(SSL* ssl, const Certificate& certificate) {
  return SSL_use_cert_and_key(ssl, certificate.leaf.get(), certificate.key.get(), certificate.chain.get(), 1) == 1;
}

}  // namespace gatehouse
