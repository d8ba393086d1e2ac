#include "proxy/admission.h"

#include <algorithm>

#include "proxy/http/authority.h"
#include "proxy/http/target.h"
#include "proxy/route/redirect.h"

namespace gatehouse::proxy {
namespace {

bool any_contains(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

void refuse(Admission& admission, int status, http::Termination why, std::string_view reason) {
  admission.refusal.status = status;
  admission.refusal.why = why;
  admission.refusal.reason = reason;
}

}  // namespace

}  // namespace gatehouse::proxy
