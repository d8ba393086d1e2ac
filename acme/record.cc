#include "acme/record.h"

#include <algorithm>

#include "acme/json_look.h"

namespace gatehouse::acme {
namespace {

std::int64_t ms_of(WallTime time) { return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count(); }

WallTime time_at(const json::object& object, std::string_view key) {
  constexpr std::int64_t far = 253'402'300'799'000;  // the end of the year 9999
  return WallTime(Millis(std::clamp<std::int64_t>(number_at(object, key), 0, far)));
}

unsigned count_at(const json::object& object, std::string_view key) {
  return static_cast<unsigned>(std::clamp<std::int64_t>(number_at(object, key), 0, 1'000'000));
}

}  // namespace

void Record::note(Attempt attempt) {
  attempts.push_back(std::move(attempt));
  if (attempts.size() > attempts_most) attempts.erase(attempts.begin());
}

std::string to_json(const Record& record) {
  json::array attempts;
  for (const Attempt& each : record.attempts)
    attempts.push_back(
        json::object{{"at", ms_of(each.at)}, {"ca", each.ca}, {"what", each.what}, {"good", each.good}});
  json::object out{{"order_url", record.order_url},
                   {"order_ca", record.order_ca},
                   {"failures", record.failures},
                   {"failing_since", ms_of(record.failing_since)},
                   {"next_try", ms_of(record.next_try)},
                   {"attempts", std::move(attempts)},
                   {"ca", record.ca},
                   {"account", record.account},
                   {"profile", record.profile},
                   {"chain", record.chain},
                   {"key", static_cast<std::int64_t>(record.key)},
                   {"renew_at", ms_of(record.renew_at)},
                   {"ask_window_at", ms_of(record.ask_window_at)},
                   {"window_failures", record.window_failures}};
  if (record.window)
    out["window"] = json::object{{"start", ms_of(record.window->start)},
                                 {"end", ms_of(record.window->end)},
                                 {"explanation", record.window->explanation}};
  return json::serialize(out) + "\n";
}

Record read_record(std::string_view text) {
  const json::object all = read_object(text);
  Record out;
  out.order_url = text_at(all, "order_url");
  out.order_ca = text_at(all, "order_ca");
  out.failures = count_at(all, "failures");
  out.failing_since = time_at(all, "failing_since");
  out.next_try = time_at(all, "next_try");
  for (const json::value& each : list_at(all, "attempts"))
    if (each.is_object())
      out.note({time_at(each.get_object(), "at"), text_at(each.get_object(), "ca"),
                text_at(each.get_object(), "what"), is_true_at(each.get_object(), "good")});
  out.ca = text_at(all, "ca");
  out.account = text_at(all, "account");
  out.profile = text_at(all, "profile");
  out.chain = text_at(all, "chain");
  out.key = static_cast<KeyKind>(std::clamp<std::int64_t>(number_at(all, "key"), 0, 4));
  out.renew_at = time_at(all, "renew_at");
  out.ask_window_at = time_at(all, "ask_window_at");
  out.window_failures = count_at(all, "window_failures");
  if (const json::object& window = object_at(all, "window"); !window.empty())
    out.window = RenewalWindow{time_at(window, "start"), time_at(window, "end"), text_at(window, "explanation")};
  return out;
}

}  // namespace gatehouse::acme
