// certificate_findings.h: what there is to say of certificates, in the same words for check, reload and status. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/finding.h"
#include "conf/service.h"
#include "net/certificate_folder_io.h"
#include "net/certificate_set.h"

namespace gatehouse::cli {

// "file:bank" of hosts, as what the certificates are assigned to.
std::vector<HostCertificate> assigned_certificates(const std::map<std::string, conf::HostPolicy>& hosts);
CertificateFolder::Assigned by_certificate(const std::vector<HostCertificate>& assigned);

// Of a reading of this folder, and of hosts whose certificate it has not; to be placed.
conf::Findings certificate_findings(const CertificateFolder::Reading& reading,
                                    const std::vector<HostCertificate>& assigned, const std::string& folder);

// Of those that end within 14 days, and are still good.
conf::Findings ending_certificates(const std::vector<NamedCertificate>& certificates, const std::string& folder,
                                   WallTime now);

}  // namespace gatehouse::cli
