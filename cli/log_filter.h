// log_filter.h: which lines of the access log are wanted. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/service.h"
#include "net/result.h"

namespace gatehouse::cli {

class LogFilter {
 public:
  // status: "502", "5xx", "4xx,5xx", "500-504"; what is empty filters nothing.
  static Result<LogFilter> make(std::string service, const std::string& status, std::string id);

  bool wants(std::string_view line) const;  // a line that is no JSON object passes only if nothing is filtered

 private:
  std::string service_, id_;
  std::vector<conf::StatusRange> status_;
};

}  // namespace gatehouse::cli
