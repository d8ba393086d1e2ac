// openssl_error.h: OpenSSL's error queue of this thread as one line of text.
//   The queue is per thread and sticky: whoever handles a failure empties it, or the next SSL_get_error lies.
#pragma once

#include <string>

#include <openssl/err.h>

namespace gatehouse {

// Empties the queue. The oldest reason first: it is the cause, later ones are its consequences. Empty: "".
inline std::string take_openssl_error() {
  std::string out;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    std::string text = reason ? reason : "error " + std::to_string(ERR_GET_REASON(code));
    if (out.empty())
      out = std::move(text);
    else if (out.find(text) == std::string::npos)
      out += "; " + text;
  }
  return out;
}

}  // namespace gatehouse
