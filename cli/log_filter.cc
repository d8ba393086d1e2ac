#include "cli/log_filter.h"

#include <algorithm>

#include "cli/json.h"
#include "conf/service_values.h"

namespace gatehouse::cli {

Result<LogFilter> LogFilter::make(std::string service, const std::string& status, std::string id) {
  LogFilter filter;
  filter.service_ = std::move(service);
  filter.id_ = std::move(id);
  if (status.empty()) return filter;
  Result<std::vector<conf::StatusRange>> ranges = conf::parse_status_ranges(status);
  if (!ranges) return ranges.error();
  filter.status_ = std::move(*ranges);
  return filter;
}

bool LogFilter::wants(std::string_view line) const {
  if (service_.empty() && id_.empty() && status_.empty()) return true;
  boost::system::error_code failed;
  const json::value value = json::parse({line.data(), line.size()}, failed);
  if (failed || !value.is_object()) return false;
  const auto is = [&](const char* name, const std::string& wanted) {
    const json::value* field = value.as_object().if_contains(name);
    return wanted.empty() || (field != nullptr && field->is_string() && field->as_string() == wanted);
  };
  if (!is("service", service_) || !is("request_id", id_)) return false;
  if (status_.empty()) return true;
  const json::value* status = value.as_object().if_contains("status");
  if (status == nullptr || !status->is_int64()) return false;
  return std::any_of(status_.begin(), status_.end(), [&](const conf::StatusRange& range) {
    return range.first <= status->as_int64() && status->as_int64() <= range.last;
  });
}

}  // namespace gatehouse::cli
