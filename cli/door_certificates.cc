// Of the door: the certificates that it obtains by itself, and the challenges that it answers for them.
#include <algorithm>
#include <filesystem>

#include "cli/certificate_findings.h"
#include "cli/door.h"
#include "cli/text.h"

namespace gatehouse::cli {
namespace {

constexpr std::string_view obtained_mark = "acme:";

std::string utc_of(WallTime time) {
  return utc_text(std::chrono::duration_cast<Millis>(time.time_since_epoch()).count());
}

bool is_named(const CertificatePtr& certificate, const std::string& host) {
  if (!host.starts_with("*.")) return certificate->covers(host);
  return std::find(certificate->names.begin(), certificate->names.end(), host) != certificate->names.end();
}

}  // namespace

void Door::configure_issuer() {
  const conf::Acme& acme = config_.certificates.acme;
  if (!issuer_ && !acme.on()) return;
  if (!issuer_) {
    acme::Issuer::Ports ports;
    ports.put_up = [this](ChallengeBoardPtr board, std::function<void()> seen) {
      put_up(std::move(board), std::move(seen));
    };
    ports.certificates_changed = [this] {
      if (std::exchange(assembles_soon_, true)) return;
      asio::post(io_, [this] {
        assembles_soon_ = false;
        assemble_certificates();
        publish("certificates");
      });
    };
    ports.tell = [this](bool good, const std::string& text) {
      good ? note("certificate", text) : warn("certificate", text);
    };
    issuer_ = std::make_unique<acme::Issuer>(io_, state_file("acme"), dice_.roll(), std::move(ports));
  }
  const Status opened = issuer_->open();
  issuer_trouble_ = opened ? std::string() : opened.error().what;
  if (!opened) warn("certificate", "no certificate is obtained: " + issuer_trouble_);
  std::vector<acme::Way> ways;
  const auto has = [&](bool tls) {
    return std::any_of(config_.listen.begin(), config_.listen.end(), [&](const auto& l) { return l.tls == tls; });
  };
  if (has(false)) ways.push_back(acme::Way::http_01);
  if (has(true)) ways.push_back(acme::Way::tls_alpn_01);
  issuer_->configure(acme, std::move(ways));
}

// Hosts of routes, apart from those whose certificate stands in a file or that shall have none.
void Door::want_certificates() {
  if (!issuer_) return;
  std::set<std::string> hosts, always;
  for (const auto& service : table_->services)
    for (const conf::Route& route : service->routes)
      if (!route.match.host.empty()) hosts.insert(route.match.host);
  for (const auto& [host, policy] : table_->hosts) {
    if (policy.certificate == "acme")
      always.insert(host);
    else if (!policy.certificate.empty())
      hosts.erase(host);
  }
  hosts.insert(always.begin(), always.end());
  // A pair that was taken away is served on (the last good stays), but it stands in nobody's way any more.
  std::set<std::string> there;
  for (const NamedCertificate& each : brought_) {
    std::error_code ignored;
    const std::string file = config_.certificates.files + "/" + each.name + ".crt";
    if (std::filesystem::exists(file, ignored)) there.insert(each.name);
  }
  issuer_->want(acme::wanted_names(hosts, config_.certificates.acme, [&](const std::string& host) {
    return !always.contains(host) && std::any_of(brought_.begin(), brought_.end(), [&](const auto& each) {
      return there.contains(each.name) && is_named(each.certificate, host);
    });
  }));
}

void Door::assemble_certificates() {
  std::vector<NamedCertificate> all = brought_;
  std::vector<HostCertificate> assigned = assigned_;
  if (issuer_)
    for (NamedCertificate& each : issuer_->certificates()) all.push_back(std::move(each));
  for (const auto& [host, policy] : table_->hosts)
    if (policy.certificate == "acme") assigned.push_back({host, std::string(obtained_mark) + host});
  certificates_ = std::make_shared<const CertificateSet>(std::move(all), assigned, placeholder_);
}

// Seen by every worker: a CA that asks now is answered.
void Door::put_up(ChallengeBoardPtr board, std::function<void()> seen) {
  challenges_ = std::move(board);
  publish("challenge");
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (auto& worker : workers_)
    worker->loop.post([this, left, seen] {
      if (left->fetch_sub(1) == 1) asio::post(io_, seen);
    });
}

Result<std::size_t> Door::renew(const std::string& name, const std::string& by) {
  if (!issuer_ || !config_.certificates.acme.on())
    return invalid("no certificate is obtained here: see certificates.acme");
  const Result<std::size_t> begun = issuer_->renew(name);
  if (begun) note("command", "certs renew " + (name.empty() ? "(all that are due or failed)" : name), by);
  return begun;
}

Status Door::revoke(const std::string& name, const std::string& reason, const std::string& by) {
  if (!issuer_) return invalid("no certificate is obtained here: see certificates.acme");
  const auto known = acme::revocation_reason(reason);
  if (!known) return invalid(reason + ": write one of " + acme::revocation_words());
  Status begun = issuer_->revoke(name, *known);
  if (begun) note("command", "certs revoke " + name + " --reason " + reason, by);
  return begun;
}

Result<std::size_t> Door::change_account_keys(const std::string& by) {
  if (!issuer_) return invalid("no certificate is obtained here: see certificates.acme");
  const Result<std::size_t> begun = issuer_->change_keys();
  if (begun) note("command", "certs rollover", by);
  return begun;
}

conf::Findings Door::issuer_findings() const {
  conf::Findings out;
  if (!issuer_) return out;
  const auto say = [&](const std::string& text) {
    out.push_back({{}, "certificates.acme", text, conf::Severity::warning});
  };
  if (!issuer_trouble_.empty()) say(issuer_trouble_);
  constexpr std::size_t shown = 50;
  std::size_t more = 0;
  for (const acme::CertificateView& each : issuer_->views()) {
    if (!each.wanted || (each.refused.empty() && each.record.failures == 0 && !each.unsaved)) continue;
    if (out.size() >= shown && ++more != 0) continue;
    if (!each.refused.empty())
      say(each.name + ": " + each.refused);
    else if (each.record.failures == 0)
      say(each.name + ": the certificate is not on disk yet");
    else
      say(each.name + (each.certificate ? ": not renewed: " : ": not obtained: ") +
          (each.record.attempts.empty() ? "no word of why" : each.record.attempts.back().what) + "; next try at " +
          utc_of(each.record.next_try));
  }
  if (more != 0) say("and " + std::to_string(more) + " more: gatehouse certs list");
  return out;
}

}  // namespace gatehouse::cli
