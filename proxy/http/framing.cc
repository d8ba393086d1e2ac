#include "proxy/http/framing.h"

#include "proxy/http/bytes.h"

namespace gatehouse::http {

Framing client_framing(const ResponseHead& answer, unsigned client_minor) {
  const bool unsized = answer.body == Framing::chunked || answer.body == Framing::until_close;
  if (!unsized) return answer.body;
  return client_minor == 0 ? Framing::until_close : Framing::chunked;
}

bool grants_upgrade(const RequestHead& request, const ResponseHead& answer) {
  if (!request.is_upgrade || !answer.is_upgrade) return false;
  std::string_view asked = request.upgrade();
  while (!asked.empty())
    if (equal_caseless(next_element(asked), answer.upgrade())) return true;
  return false;
}

bool is_idempotent(Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::delete_:
    case Method::options: return true;
    default: return false;
  }
}

}  // namespace gatehouse::http
