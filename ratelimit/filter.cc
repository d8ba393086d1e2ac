#include "ratelimit/filter.h"

#include <algorithm>

#include <re2/re2.h>

#include "conf/service_values.h"

namespace gatehouse::ratelimit {
namespace {

std::unique_ptr<re2::RE2> compile(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  return std::make_unique<re2::RE2>(pattern, options);
}

}  // namespace

std::string_view text_of(const Event& event, std::string_view field) {
  const struct {
    std::string_view name, value;
  } texts[] = {{"event", event.event},     {"path", event.path},       {"method", event.method},
               {"host", event.host},       {"query", event.query},     {"termination", event.termination},
               {"by", event.by},           {"service", event.service}, {"user_agent", event.user_agent},
               {"referer", event.referer}, {"reason", event.reason},   {"user", event.user}};
  for (const auto& each : texts)
    if (each.name == field) return each.value;
  if (field.starts_with("header:") && event.fields != nullptr) return event.fields->header(field.substr(7));
  return {};
}

Filter::Filter(const conf::FilterFields& fields) {
  for (const auto& [field, values] : fields) {
    Condition condition{.field = field};
    std::string alternation;
    for (const std::string& value : values) {
      if (field == "status") {
        const auto ranges = conf::parse_status_ranges(value);
        if (ranges) condition.status.insert(condition.status.end(), ranges->begin(), ranges->end());
      } else if (value.starts_with('~')) {
        alternation += (alternation.empty() ? "(?:" : "|(?:") + value.substr(1) + ")";
      } else {
        condition.texts.push_back(value);
      }
    }
    if (!alternation.empty()) condition.regex = compile(alternation);
    conditions_.push_back(std::move(condition));
  }
  std::stable_sort(conditions_.begin(), conditions_.end(),
                   [](const Condition& a, const Condition& b) { return a.cost() < b.cost(); });
}

Filter::Filter(Filter&&) noexcept = default;
Filter::~Filter() = default;

bool Filter::accepts(const Condition& condition, std::string_view value) {
  value = value.substr(0, searched_bytes_max);
  for (const std::string& text : condition.texts)
    if (text == value) return true;
  return condition.regex && RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *condition.regex);
}

bool Filter::holds(const Condition& condition, const Event& event) {
  if (condition.field == "status")
    return std::any_of(condition.status.begin(), condition.status.end(),
                       [&](const conf::StatusRange& range) { return range.contains(event.status); });
  if (condition.field != "headers") return accepts(condition, text_of(event, condition.field));
  const auto matches = [](const void* with, std::string_view value) {
    return accepts(*static_cast<const Condition*>(with), value);
  };
  return event.fields != nullptr && event.fields->any_header(matches, &condition);
}

bool Filter::matches(const Event& event) const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& condition) { return holds(condition, event); });
}

bool Filter::wants(std::string_view event) const {
  for (const Condition& condition : conditions_)
    if (condition.field == "event") return accepts(condition, event);
  return event == "request";  // nobody means bans who doesn't say so
}

}  // namespace gatehouse::ratelimit
