// certificate_view.h: certificates for people: what there is, what is obtained, why not, and what is next.
//   Pure; time is a parameter. What a CA said is made printable here.
#pragma once

#include <string>
#include <vector>

#include "acme/issuer_io.h"
#include "cli/json.h"
#include "net/certificate_set.h"

namespace gatehouse::cli {

// `obtained`: the issuer's views; those that were brought come from the set.
json::array certificate_list(const std::vector<NamedCertificate>& served,
                             const std::vector<acme::CertificateView>& obtained, WallTime now);

std::string certificate_list_text(const json::array& list, bool coloured);

// A page about one: "certificate", "issuer", "renewal", "last tries".
std::string why_text(const acme::CertificateView& view, WallTime now);

}  // namespace gatehouse::cli
