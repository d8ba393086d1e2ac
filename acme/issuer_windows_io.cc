// Of the issuer: when a certificate is renewed, and what its CA says about that (RFC 9773).
#include <algorithm>

#include "acme/issuer_io.h"

namespace gatehouse::acme {
namespace {

constexpr Millis ask_again_after = 1min;  // after a failure that passes

WallTime now() { return std::chrono::system_clock::now(); }

}  // namespace

// When it is renewed: at one point of the CA's window, else of ours; never too near to its end.
void Issuer::plan(Work& work, WallTime at) {
  const Life life{work.certificate->not_before, work.certificate->not_after};
  const double share = static_cast<double>(dice_.roll() >> 11) * 0x1p-53;
  const WallTime time = work.record.window ? point_in(*work.record.window, share, at) : renewal_time(life, share);
  work.record.renew_at = std::min(time, last_call(life));
}

void Issuer::ask_window(Work& work) {
  Ca* const ca = ca_of(work.record.ca);
  const std::string id = certificate_id(work.certificate->leaf.get());
  if (ca == nullptr || id.empty()) {
    work.record.ask_window_at = now() + ari_usual;
    return;
  }
  work.question = ++questions_;
  work.asked = ca;
  const auto heard = [this, alive = alive_, name = work.name, question = work.question](const Event& event) {
    if (*alive) window_came(name, question, event);
  };
  ca->ready([this, alive = alive_, heard, id, url = ca->url()](const std::optional<Ca::Unready>& why) {
    Ca* const ready = *alive ? ca_of(url) : nullptr;
    if (ready == nullptr || why) return heard(Lost{why ? why->problem.text() : "the CA is asked no more"});
    if (!ready->offers_windows()) return heard(Reply{404, {}, {}, ari_most, {}});
    ready->get(ready->directory().renewal_info + "/" + id, heard);
  });
}

void Issuer::window_came(const std::string& name, std::uint64_t question, const Event& event) {
  const auto found = works_.find(name);
  if (found == works_.end() || found->second.question != question) return;  // asked of a CA that was replaced
  Work& work = found->second;
  work.question = 0;
  if (!work.certificate) return;
  Record& record = work.record;
  const auto* reply = std::get_if<Reply>(&event);
  const auto window = reply != nullptr && reply->status == 200
                          ? read_renewal_info(reply->body, work.certificate->not_after)
                          : std::nullopt;
  const bool passing = reply == nullptr || reply->status >= 500 || reply->status == 429;
  Millis delay = passing
                     ? std::min<Millis>(ask_again_after * (1 << std::min(record.window_failures++, 8u)), ari_usual)
                     : Millis(ari_usual);
  if (reply != nullptr && reply->retry_after) delay = std::clamp(*reply->retry_after, ari_least, ari_most);
  if (window) {
    record.window_failures = 0;
    if (record.window != window) {
      const bool earlier = record.window && window->start < record.window->start;
      record.window = window;
      plan(work, now());
      if (earlier)
        ports_.tell(true, "certificate " + name + ": the CA wants it renewed earlier" +
                              (window->explanation.empty() ? "" : ", see " + window->explanation));
    }
  }
  // A life that is short is looked at more often than a CA's clock has it.
  const auto left = std::chrono::duration_cast<Millis>(work.certificate->not_after - now());
  record.ask_window_at = now() + std::max<Millis>(std::min(delay, std::max(left / 4, Millis(ari_least))), 1s);
  save(work);
  look_soon();
}

}  // namespace gatehouse::acme
