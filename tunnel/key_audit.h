// key_audit.h: keys judged together (RFC 9257 4.1, RFC 9813): one key is one identity's, one way, in one version.
//   Errors   one key under two identities; one identity with two keys; a key that this host both shows and accepts;
//            a key for TLS 1.2 and for 1.3.
//   Warnings one identity that this host shows to more than one exit: those who run one of them can pass for us at
//            the other.
//   Keys are compared by fingerprints under a key that only this process has. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/tunnel.h"

namespace gatehouse::tunnel {

using Fingerprint = std::string;  // 128 bits of HMAC-SHA256, in hexadecimal

Fingerprint fingerprint_of(std::span<const unsigned char> key, std::span<const unsigned char> audit_key);

struct KeyUse {
  std::string identity;
  Fingerprint fingerprint;
  bool shown = false;  // to an exit, by an entry; else accepted
  conf::TunnelTls tls = conf::TunnelTls::v13;
  std::string by;     // of a shown one, the exit; of an accepted one, the tunnel
  std::string place;  // the file and line
  std::string path;   // the configuration's key, for findings
};

conf::Findings audit_keys(const std::vector<KeyUse>& uses);

}  // namespace gatehouse::tunnel
