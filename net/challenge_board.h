// challenge_board.h: what certificate authorities may ask of this door at the moment to see that a name is ours.
//   Immutable: a change makes a new board, which reaches the workers with the world. Looking up allocates nothing.
//   Source  http-01: RFC 8555 8.3; tls-alpn-01: RFC 8737.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/certificate.h"

namespace gatehouse {

struct ChallengeBoard {
  static constexpr std::string_view http_folder = "/.well-known/acme-challenge/";

  static constexpr std::string_view tls_protocol = "acme-tls/1";

  std::map<std::string, std::string, std::less<>> http;    // token to what is answered
  std::map<std::string, CertificatePtr, std::less<>> tls;  // name to what is shown to who speaks tls_protocol

  // Null: the path asks for none that is open here.
  const std::string* find_http(std::string_view path) const {
    if (http.empty() || !path.starts_with(http_folder)) return nullptr;
    const auto found = http.find(path.substr(http_folder.size()));
    return found == http.end() ? nullptr : &found->second;
  }
};
using ChallengeBoardPtr = std::shared_ptr<const ChallengeBoard>;

}  // namespace gatehouse
