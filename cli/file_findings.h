// file_findings.h: whether the folders that routes answer from are there, and may be read by us. On control.
#pragma once

#include <memory>
#include <span>

#include "conf/service.h"

namespace gatehouse::cli {

conf::Findings file_findings(std::span<const std::shared_ptr<const conf::Service>> services);

}  // namespace gatehouse::cli
