#include "cli/certificate_view.h"

#include "cli/text.h"

namespace gatehouse::cli {
namespace {

constexpr std::int64_t day_ms = 24 * 3600 * 1000;

std::int64_t ms_of(WallTime time) { return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count(); }

std::string left_words(std::int64_t left_ms) {
  if (left_ms <= 0) return "ended";
  return left_ms >= 2 * day_ms ? counted(left_ms / day_ms, "day") + " left" : ago(left_ms) + " left";
}

std::string in_words(WallTime time, WallTime now) {
  const std::int64_t until = ms_of(time) - ms_of(now);
  return utc_text(ms_of(time)) + (until > 0 ? ", in " + ago(until) : ", which is now");
}

std::string state_of(const acme::CertificateView& view, WallTime now) {
  if (!view.refused.empty()) return "not to be had";
  if (!view.step.empty()) return view.certificate ? "being renewed" : "being obtained";
  if (!view.certificate) return view.record.failures > 0 ? "failed" : "waiting";
  if (view.certificate->not_after <= now) return "ended";
  if (!view.wanted) return "not wanted any more";
  return view.record.failures > 0 ? "renewal failed" : "good";
}

void describe(json::object& to, const Certificate& certificate, WallTime now) {
  to["issuer"] = printable(certificate.issuer);
  to["not_after"] = utc_text(ms_of(certificate.not_after));
  to["left_ms"] = ms_of(certificate.not_after) - ms_of(now);
  to["fingerprint"] = certificate.fingerprint_text();
}

json::object obtained_json(const acme::CertificateView& view, WallTime now) {
  json::object out{{"name", view.name}, {"source", "acme"}, {"state", state_of(view, now)}};
  if (view.certificate) describe(out, *view.certificate, now);
  const acme::Record& record = view.record;
  if (!view.step.empty()) out["step"] = view.step;
  if (!view.refused.empty()) out["problem"] = printable(view.refused);
  if (record.failures > 0) {
    out["failures"] = record.failures;
    out["next_try"] = utc_text(ms_of(record.next_try));
    if (!record.attempts.empty()) out["problem"] = printable(record.attempts.back().what);
  }
  if (view.certificate && view.wanted) out["renew_at"] = utc_text(ms_of(record.renew_at));
  if (!record.ca.empty()) out["ca"] = printable(record.ca);
  return out;
}

std::string text_in(const json::object& object, const char* key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

Colour colour_of(const std::string& state) {
  if (state == "good" || state == "brought") return Colour::good;
  return state.find("ed") != state.npos && state != "being obtained" && state != "being renewed" ? Colour::bad
                                                                                                 : Colour::warn;
}

}  // namespace

json::array certificate_list(const std::vector<NamedCertificate>& served,
                             const std::vector<acme::CertificateView>& obtained, WallTime now) {
  json::array out;
  for (const NamedCertificate& each : served) {
    if (each.obtained) continue;
    json::object one{{"name", printable(each.name)},
                     {"source", "files"},
                     {"state", each.certificate->not_after <= now ? "ended" : "brought"}};
    describe(one, *each.certificate, now);
    out.push_back(std::move(one));
  }
  for (const acme::CertificateView& view : obtained) out.push_back(obtained_json(view, now));
  return out;
}

std::string certificate_list_text(const json::array& list, bool coloured) {
  if (list.empty()) return "there are no certificates, and none are wanted\n";
  Columns rows(0);
  for (const json::value& each : list) {
    if (!each.is_object()) continue;
    const json::object& one = each.get_object();
    const std::string state = text_in(one, "state"), renew = text_in(one, "renew_at");
    const json::value* left = one.if_contains("left_ms");
    std::string note = text_in(one, "problem");
    if (note.empty()) note = text_in(one, "step");
    if (note.empty() && !renew.empty()) note = "renewed at " + renew;
    rows.row({{text_in(one, "name"), Colour::bold},
              {state, colour_of(state)},
              {left != nullptr && left->is_int64() ? left_words(left->get_int64()) : ""},
              {text_in(one, "issuer")},
              {note}});
  }
  return rows.text(coloured);
}

std::string why_text(const acme::CertificateView& view, WallTime now) {
  Columns rows(0);
  const auto line = [&](const std::string& what, const std::string& text) { rows.row({{what}, {text}}); };
  const acme::Record& record = view.record;
  line("certificate", view.name + ": " + state_of(view, now));
  if (!view.refused.empty()) line("reason", view.refused);
  if (!view.step.empty()) line("now", view.step);
  if (view.certificate) {
    line("valid", "from " + utc_text(ms_of(view.certificate->not_before)) + " to " +
                      utc_text(ms_of(view.certificate->not_after)) + ", " +
                      left_words(ms_of(view.certificate->not_after) - ms_of(now)));
    line("issuer", view.certificate->issuer + ", asked at " + record.ca);
    if (view.wanted) line("renewal", in_words(record.renew_at, now));
    if (view.wanted && record.window)
      line("window", "the CA wants it from " + utc_text(ms_of(record.window->start)) + " to " +
                         utc_text(ms_of(record.window->end)) +
                         (record.window->explanation.empty() ? "" : ", see " + record.window->explanation));
    else if (view.wanted)
      line("window", "the CA named none: the time follows from the certificate's life");
  } else if (view.refused.empty()) {
    line("served", "a placeholder that no browser believes; the host is not redirected to https");
  }
  if (view.unsaved) line("disk", "the certificate could not be written yet; it is served from memory");
  if (!record.order_url.empty()) line("order", record.order_url + ", to be taken up again");
  if (record.failures > 0) {
    line("failures", std::to_string(record.failures) + " in a row");
    line("next try", in_words(record.next_try, now) + "; `gatehouse certs renew " + view.name + "` for at once");
  }
  for (auto it = record.attempts.rbegin(); it != record.attempts.rend(); ++it)
    line(it == record.attempts.rbegin() ? "last tries" : "",
         utc_text(ms_of(it->at)) + "  " + it->what + "  [" + it->ca + "]");
  return rows.text(false);
}

}  // namespace gatehouse::cli
