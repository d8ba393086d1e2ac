#include "cli/certificate_findings.h"

#include <algorithm>
#include <chrono>

#include "cli/text.h"

namespace gatehouse::cli {
namespace {

constexpr auto time_left_short = std::chrono::hours(14 * 24);

}  // namespace

std::vector<HostCertificate> assigned_certificates(const std::map<std::string, conf::HostPolicy>& hosts) {
  std::vector<HostCertificate> out;
  for (const auto& [host, policy] : hosts)
    if (policy.certificate.starts_with("file:")) out.push_back({host, policy.certificate.substr(5)});
  return out;
}

CertificateFolder::Assigned by_certificate(const std::vector<HostCertificate>& assigned) {
  CertificateFolder::Assigned out;
  for (const HostCertificate& each : assigned) out[each.certificate].push_back(each.host);
  return out;
}

conf::Findings certificate_findings(const CertificateFolder::Reading& reading,
                                    const std::vector<HostCertificate>& assigned, const std::string& folder) {
  using conf::Severity;
  conf::Findings out;
  for (const FileProblem& problem : reading.problems) {
    const Severity severity = problem.warning ? Severity::warning : Severity::error;
    if (problem.file == folder)
      out.push_back({{}, "certificates.files", folder + ": " + problem.what, severity});
    else
      out.push_back({{problem.file}, "", problem.what, severity});
  }
  for (const HostCertificate& each : assigned) {
    const bool known = std::any_of(reading.certificates.begin(), reading.certificates.end(),
                                   [&](const NamedCertificate& one) { return one.name == each.certificate; });
    if (!known)
      out.push_back({{},
                     "hosts." + each.host + ".certificate",
                     "there is no certificate " + each.certificate + " that can be used"});
  }
  return out;
}

conf::Findings ending_certificates(const std::vector<NamedCertificate>& certificates, const std::string& folder,
                                   WallTime now) {
  conf::Findings out;
  for (const NamedCertificate& each : certificates) {
    const WallTime end = each.certificate->not_after;
    if (end - now > time_left_short) continue;
    const auto end_ms = std::chrono::duration_cast<Millis>(end.time_since_epoch()).count();
    const bool ended = end <= now;
    out.push_back({{folder + "/" + each.name + ".crt"},
                   "",
                   (ended ? "ended at " : "ends at ") + utc_text(end_ms) + "; renew it",
                   ended ? conf::Severity::error : conf::Severity::warning});
  }
  return out;
}

}  // namespace gatehouse::cli
