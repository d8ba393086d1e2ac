// keyring.h: the text of a key file to identities and keys, exactly as stunnel 5.51 and later read it.
//   A line is IDENTITY:KEY; the identity ends at the first ':', the key is all the rest, blanks included; CR and LF
//   are not of it. Empty lines are skipped, there are no comments. A key that reads as hexadecimal (an even number of
//   digits, ':' between bytes) is decoded, else its bytes are the key.
//   Refused beyond that: an identity twice, what is no printable ASCII, and keys that guessing finds.
//   Limits  identities of 1 to 255 bytes, keys of 16 to 512 bytes, file_bytes_max, entries_max. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"
#include "conf/tunnel.h"
#include "net/secret_bytes.h"

namespace gatehouse::tunnel {

inline constexpr std::size_t key_file_bytes_max = 4 << 20, key_entries_max = 10'000;
inline constexpr std::size_t distinct_bytes_min = 8;  // of a key; a random one of 16 bytes has fewer once in 10^11

struct KeyEntry {
  std::string identity;
  SecretBytes key;
  conf::Position at;
};

struct KeyReading {
  std::vector<KeyEntry> entries;  // in the file's order
  conf::Findings findings;        // no finding shows a byte of a key
};

KeyReading read_keys(std::string_view text, const std::string& file, conf::KeyFormat format);

// What is wrong with an identity; empty: nothing.
std::string identity_fault(std::string_view identity);

}  // namespace gatehouse::tunnel
