#include "net/password_hash.h"

#include <array>
#include <memory>

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "net/encoding.h"
#include "net/openssl_ptr.h"

namespace gatehouse {
namespace {

using Md5 = std::array<unsigned char, 16>;
constexpr std::string_view apr1 = "$apr1$";

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Md5Stream {
 public:
  Md5Stream() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr); }
  void add(std::string_view text) { EVP_DigestUpdate(context_.get(), text.data(), text.size()); }
  void add(const Md5& bytes, std::size_t size = 16) { EVP_DigestUpdate(context_.get(), bytes.data(), size); }
  Md5 end() {
    Md5 out{};
    EVP_DigestFinal_ex(context_.get(), out.data(), nullptr);
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, ContextFree> context_;
};

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Sixteen bytes as crypt writes them: six bits a character, the least first.
std::string crypt_digits(const Md5& sum) {
  constexpr char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out;
  const auto put = [&](unsigned value, int count) {
    for (; count > 0; --count, value >>= 6) out += digits[value & 63];
  };
  for (const auto& [a, b, c] : {std::array{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}})
    put(unsigned{sum[static_cast<std::size_t>(a)]} << 16 | unsigned{sum[static_cast<std::size_t>(b)]} << 8 |
            sum[static_cast<std::size_t>(c)],
        4);
  put(sum[11], 2);
  return out;
}

bool verify_sha1(std::string_view password, std::string_view hash) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> sum{};
  SHA1(reinterpret_cast<const unsigned char*>(password.data()), password.size(), sum.data());
  return equal(base64({reinterpret_cast<const char*>(sum.data()), sum.size()}), hash);
}

bool verify_crypt(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool good = made != nullptr && made[0] == '$' && equal(made, hash);
  OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return good;
}

}  // namespace

// Apache's apr_md5_encode, after Poul-Henning Kamp's MD5-crypt.
std::string apr1_hash(std::string_view password, std::string_view salt) {
  Md5Stream inner;
  inner.add(password), inner.add(salt), inner.add(password);
  const Md5 first = inner.end();
  Md5Stream outer;
  outer.add(password), outer.add(apr1), outer.add(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16))
    outer.add(first, std::min<std::size_t>(left, 16));
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1)
    outer.add((bits & 1) != 0 ? std::string_view("\0", 1) : password.substr(0, 1));
  Md5 sum = outer.end();
  for (int round = 0; round < 1000; ++round) {
    Md5Stream next;
    (round & 1) != 0 ? next.add(password) : next.add(sum);
    if (round % 3 != 0) next.add(salt);
    if (round % 7 != 0) next.add(password);
    (round & 1) != 0 ? next.add(sum) : next.add(password);
    sum = next.end();
  }
  return std::string(apr1) + std::string(salt) + "$" + crypt_digits(sum);
}

bool verify_password(const std::string& password, const std::string& hash) {
  if (password.size() > password_bytes_max || password.find('\0') != std::string::npos) return false;
  if (hash.starts_with("{SHA}")) return verify_sha1(password, std::string_view(hash).substr(5));
  if (!hash.starts_with(apr1)) return verify_crypt(password, hash);
  const std::string_view rest = std::string_view(hash).substr(apr1.size());
  const std::string_view salt = rest.substr(0, rest.find('$'));
  return salt.size() <= 8 && equal(apr1_hash(password, salt), hash);
}

}  // namespace gatehouse
