// Of the issuer: what people ask of it.
#include <openssl/x509.h>

#include "acme/issuer_io.h"
#include "net/encoding.h"

namespace gatehouse::acme {
namespace {

WallTime now() { return std::chrono::system_clock::now(); }

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  const std::string out = size > 0 ? base64url({bytes, static_cast<std::size_t>(size)}) : std::string();
  OPENSSL_free(bytes);
  return out;
}

}  // namespace

Result<std::size_t> Issuer::renew(const std::string& name) {
  if (cas_.empty()) return invalid("no certificate is obtained here: see certificates.acme");
  std::size_t count = 0;
  for (const auto& ca : cas_) ca->ask_anew();
  for (auto& [known, work] : works_) {
    if (!work.wanted || work.run || work.starting || (!name.empty() && known != name)) continue;
    if (name.empty() && work.record.failures == 0 && work.certificate && due(work) > now()) continue;
    work.forced = true;
    ++count;
  }
  if (count == 0 && !name.empty()) {
    const auto found = works_.find(name);
    if (found == works_.end() || !found->second.wanted)
      return invalid(refused_.contains(name) ? name + ": " + refused_.at(name)
                                             : "no certificate of " + name +
                                                   " is wanted: no route within certificates.acme.permit names it");
    return invalid(name + " is being obtained already");
  }
  look_soon();
  return count;
}

Status Issuer::revoke(const std::string& name, const RevocationReason& reason) {
  const auto found = works_.find(name);
  if (found == works_.end() || !found->second.certificate)
    return invalid("no certificate of " + name + " was obtained here");
  const Work& work = found->second;
  if (work.certificate->not_after <= now()) return invalid(name + ": the certificate has ended by itself");
  Ca* const ca = ca_of(work.record.ca);
  if (ca == nullptr)
    return invalid(name + ": it is of " + work.record.ca +
                   ", which certificates.acme.directories doesn't have any more");
  ca->ready([this, alive = alive_, name, url = ca->url(), gone = work.certificate,
             code = reason.code](const std::optional<Ca::Unready>& why) {
    Ca* const ready = *alive ? ca_of(url) : nullptr;
    if (ready == nullptr) return;
    const auto heard = [this, alive, name, gone, url](const Event& event) {
      if (*alive) revoked(name, gone, url, event);
    };
    if (why) return heard(Lost{why->problem.text()});
    if (ready->directory().revoke_certificate.empty()) return heard(Lost{"the CA revokes nothing"});
    const json::object payload{{"certificate", der_of(gone->leaf.get())}, {"reason", code}};
    ready->post({ready->directory().revoke_certificate, json::serialize(payload)}, heard);
  });
  return Done{};
}

void Issuer::revoked(const std::string& name, const CertificatePtr& gone, const std::string& ca, const Event& event) {
  const auto* reply = std::get_if<Reply>(&event);
  const bool taken = reply != nullptr && reply->status / 100 == 2;
  const Problem problem = taken              ? Problem()
                          : reply != nullptr ? read_problem(reply->status, reply->body)
                                             : trouble(std::get<Lost>(event).what);
  const bool good = taken || problem.type == "alreadyRevoked";
  counts_.revoked += good;
  ports_.tell(good, "certificate " + name + (good ? " revoked by " + ca : " not revoked: " + problem.text()));
  const auto found = works_.find(name);
  if (found == works_.end()) return;
  Work& work = found->second;
  work.record.note({now(), ca, good ? "revoked" : "not revoked: " + problem.text(), good});
  if (good && work.certificate == gone) {
    work.forced = true;
    work.record.renew_at = WallTime{};  // after a crash, too
  }
  save(work);
  look_soon();
}

Result<std::size_t> Issuer::change_keys() {
  if (cas_.empty()) return invalid("no certificate is obtained here: see certificates.acme");
  if (!changing_.empty()) return invalid("the account's key is being changed already");
  if (const std::size_t orders = running(); orders > 0)
    return invalid(std::to_string(orders) +
                   " orders are under way, and the key in use answers for them: once they are over");
  for (const auto& ca : cas_)
    if (const auto kept = store_.account(ca->url()); kept && !kept->url.empty()) changing_.insert(ca.get());
  if (changing_.empty()) return invalid("there is no account with a CA yet");
  for (const Ca* one : changing_) {
    ca_of(one->url())->ready([this, alive = alive_, url = one->url()](const std::optional<Ca::Unready>& why) {
      Ca* const ready = *alive ? ca_of(url) : nullptr;
      if (ready == nullptr) return;
      if (why) return key_changed(url, Error{Errc::unavailable, why->problem.text()});
      ready->change_key([this, alive, url](const Status& status) {
        if (*alive) key_changed(url, status);
      });
    });
  }
  return changing_.size();
}

void Issuer::key_changed(const std::string& url, const Status& status) {
  std::erase_if(changing_, [&](const Ca* each) { return each->url() == url; });
  const bool good(status);
  counts_.keys_changed += good;
  ports_.tell(good, "the key of the account with " + url +
                        (good ? std::string(" changed") : " not changed: " + status.error().what));
  look_soon();
}

}  // namespace gatehouse::acme
