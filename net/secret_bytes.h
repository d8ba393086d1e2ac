// secret_bytes.h: bytes that are wiped when they go: keys. Move-only, so that no copy is left behind by accident.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <openssl/crypto.h>

namespace gatehouse {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::span<const unsigned char> bytes)
      : data_(static_cast<unsigned char*>(OPENSSL_memdup(bytes.data(), bytes.size()))), size_(bytes.size()) {}
  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    std::swap(data_, other.data_), std::swap(size_, other.size_);
    return *this;
  }
  ~SecretBytes() { OPENSSL_clear_free(data_, size_); }

  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<const unsigned char> bytes() const { return {data_, size_}; }
  bool operator==(const SecretBytes& other) const {
    return size_ == other.size_ && CRYPTO_memcmp(data_, other.data_, size_) == 0;
  }

 private:
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gatehouse
