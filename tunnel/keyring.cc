#include "tunnel/keyring.h"

#include <algorithm>
#include <bitset>
#include <set>

#include "net/psk.h"

namespace gatehouse::tunnel {
namespace {

// Wiped when it goes, as every copy of a key's text has to be.
struct Text {
  std::string bytes;
  ~Text() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

SecretBytes from_hex(const std::string& text) {
  long size = 0;
  unsigned char* bytes = OPENSSL_hexstr2buf(text.c_str(), &size);
  if (bytes == nullptr) return {};
  SecretBytes key(std::span<const unsigned char>(bytes, static_cast<std::size_t>(size)));
  OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  return key;
}

SecretBytes from_text(std::string_view text) {
  return SecretBytes({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

std::size_t distinct(const SecretBytes& key) {
  std::bitset<256> seen;
  for (const unsigned char byte : key.bytes()) seen.set(byte);
  return seen.count();
}

class Reading {
 public:
  Reading(const std::string& file, conf::KeyFormat format) : file_(file), format_(format), at_{file} {}

  void line(std::string_view line, unsigned number) {
    at_ = {file_, number, 1};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return error("no ':' in this line: write IDENTITY:KEY (there are no comments in a key file)");
    const std::string_view identity = line.substr(0, colon);
    if (const std::string fault = identity_fault(identity); !fault.empty()) return error(fault);
    Text text{std::string(line.substr(colon + 1))};
    SecretBytes key = read_key(text.bytes);
    const std::string of = " of " + std::string(identity);
    if (format_ == conf::KeyFormat::hex && key.size() == 0) return error("the key" + of + " is not hexadecimal");
    if (key.size() < psk_bytes_min)
      return error("the key" + of + " has " + std::to_string(key.size()) +
                   " bytes; it needs 16 at least: `gatehouse tunnel keygen` makes one");
    if (key.size() > psk_bytes_max)
      return error("the key" + of + " has " + std::to_string(key.size()) + " bytes; 512 at most");
    if (distinct(key) < distinct_bytes_min)
      return error("the key" + of + " is weak: it has " + std::to_string(distinct(key)) +
                   " different bytes; `gatehouse tunnel keygen` makes a good one");
    if (!known_.insert(std::string(identity)).second)
      return error(std::string(identity) + ": this identity stands in the file twice; which key counts?");
    if (out_.entries.size() >= key_entries_max)
      return error("more than " + std::to_string(key_entries_max) + " identities");
    out_.entries.push_back({std::string(identity), std::move(key), at_});
  }

  void error(std::string what) { out_.findings.push_back({at_, "", std::move(what)}); }
  KeyReading take() { return std::move(out_); }

 private:
  SecretBytes read_key(const std::string& text) const {
    if (format_ != conf::KeyFormat::ascii)
      if (SecretBytes key = from_hex(text); key.size() != 0 || format_ == conf::KeyFormat::hex) return key;
    return from_text(text);
  }

  std::string file_;
  conf::KeyFormat format_;
  conf::Position at_;
  std::set<std::string> known_;
  KeyReading out_;
};

}  // namespace

std::string identity_fault(std::string_view identity) {
  if (identity.empty()) return "an empty identity: write IDENTITY:KEY";
  if (identity.size() > psk_identity_bytes_max)
    return "an identity of " + std::to_string(identity.size()) + " bytes; 255 at most";
  const bool plain = std::all_of(identity.begin(), identity.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain ? "" : "an identity with blanks or bytes that are not printable ASCII";
}

KeyReading read_keys(std::string_view text, const std::string& file, conf::KeyFormat format) {
  Reading reading(file, format);
  if (text.find('\0') != std::string_view::npos) {
    reading.error("a NUL byte: this is no key file");
    return reading.take();
  }
  unsigned number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (!line.empty()) reading.line(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reading.take();
}

}  // namespace gatehouse::tunnel
