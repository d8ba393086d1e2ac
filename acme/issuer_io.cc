#include "acme/issuer_io.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "acme/csr.h"
#include "net/encoding.h"
#include "net/placeholder.h"

namespace gatehouse::acme {
namespace {

WallTime now() { return std::chrono::system_clock::now(); }

std::optional<Life> life_of(const CertificatePtr& certificate) {
  if (!certificate) return std::nullopt;
  return Life{certificate->not_before, certificate->not_after};
}

bool is_over(const CertificatePtr& certificate) { return !certificate || certificate->not_after <= now(); }

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace

Issuer::Issuer(asio::io_context& io, std::string folder, std::uint64_t seed, Ports ports)
    : io_(io), store_(folder), dns_(io, folder + "/dns-01.json"), dice_(seed), ports_(std::move(ports)), timer_(io) {}

Issuer::~Issuer() {
  *alive_ = false;
  stop();
  for (auto& [name, work] : works_) wipe(work.unsaved_key);
}

Status Issuer::open() {
  if (open_) return Done{};
  if (Status opened = store_.open(); !opened) return opened;
  std::vector<std::string> problems;
  for (KeptCertificate& kept : store_.load(now(), problems)) {
    Work& work = work_of(kept.name);
    work.certificate = std::move(kept.certificate);
    work.record = std::move(kept.record);
  }
  for (const std::string& problem : problems) ports_.tell(false, problem);
  open_ = true;
  return Done{};
}

Issuer::Work& Issuer::work_of(const std::string& name) {
  Work& work = works_[name];
  work.name = name;
  return work;
}

void Issuer::configure(const conf::Acme& acme, std::vector<Way> ways) {
  const bool same_people = acme.contact == acme_.contact;
  auto before = std::exchange(cas_, {});
  for (const conf::AcmeDirectory& conf : acme.directories) {
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const auto& each) { return each && same_people && each->conf() == conf; });
    cas_.push_back(known != before.end() ? std::move(*known) : std::make_unique<Ca>(io_, conf, acme.contact, store_));
  }
  const auto is_gone = [this](const Ca* one) {
    return std::none_of(cas_.begin(), cas_.end(), [&](const auto& ca) { return ca.get() == one; });
  };
  for (auto& [name, work] :
       works_) {  // those of a CA that is asked no more begin anew; what was asked it went with it
    if (work.question != 0 && is_gone(work.asked)) work.question = 0;
    if (!work.starting && !(work.run && is_gone(&work.run->ca()))) continue;
    if (work.run) work.run->close();
    work.run.reset();
    work.starting = false;
    wipe(work.new_key);
    take_down(name);
  }
  std::erase_if(changing_, is_gone);
  acme_ = acme;
  ways_ = std::move(ways);
  dns_.configure(acme);
  look_soon();
}

void Issuer::want(Wanted wanted) {
  bool changed = false;
  for (const std::string& name : wanted.names) work_of(name);
  for (auto& [name, work] : works_) {
    const bool was = std::exchange(work.wanted, wanted.names.contains(name));
    changed = changed || was != work.wanted;
    if (!work.wanted || work.certificate || work.placeholder) continue;
    if (const auto made = make_placeholder({name}, now())) work.placeholder = *made;
  }
  std::erase_if(works_, [](const auto& each) {
    const Work& work = each.second;
    return !work.wanted && !work.certificate && !work.run && !work.starting && work.record == Record();
  });
  refused_ = std::move(wanted.refused);
  if (changed) look_soon();
}

void Issuer::stop() {
  stopped_ = true;
  timer_.cancel();
  for (auto& [name, work] : works_) {
    if (work.run) work.run->close();
    work.run.reset();
    wipe(work.new_key);
  }
}

void Issuer::look_soon() {
  if (std::exchange(looks_soon_, true)) return;
  asio::post(io_, [this, alive = alive_] {
    if (*alive) look();
  });
}

std::size_t Issuer::running() const {
  return static_cast<std::size_t>(std::count_if(
      works_.begin(), works_.end(), [](const auto& each) { return each.second.run || each.second.starting; }));
}

bool Issuer::is_asked_otherwise(const Work& work) const {
  const Ca* ca = ca_of(work.record.ca);
  return ca == nullptr || work.record.profile != ca->profile() || work.record.chain != ca->conf().chain ||
         work.record.key != acme_.key;
}

// When the work wants an order. One that failed waits for its next try whatever else is due.
WallTime Issuer::due(const Work& work) const {
  if (work.forced) return WallTime{};
  if (!work.certificate || is_asked_otherwise(work)) return work.record.next_try;
  return std::max(work.record.renew_at, work.record.next_try);
}

void Issuer::look() {
  looks_soon_ = false;
  if (stopped_ || !open_ || cas_.empty()) return;
  const WallTime at = now();
  WallTime next = at + look_most;
  // While an account's key changes no challenge may be open: it is answered by that key.
  std::size_t room = changing_.empty() ? runs_most - std::min(runs_most, running()) : 0;
  std::size_t questions = static_cast<std::size_t>(
      std::count_if(works_.begin(), works_.end(), [](const auto& each) { return each.second.question != 0; }));
  for (auto& [name, work] : works_) {
    if (!work.unsaved_chain.empty()) save_unsaved(work);
    if (!work.wanted || work.run || work.starting) continue;
    if (const WallTime time = due(work); time > at) {
      next = std::min(next, time);
    } else if (room > 0) {
      --room;
      begin(work);
      continue;
    }
    if (!work.certificate || is_over(work.certificate) || work.question != 0) continue;
    if (work.record.ask_window_at > at)
      next = std::min(next, work.record.ask_window_at);
    else if (questions < questions_most)
      ++questions, ask_window(work);
  }
  forget_old(at);
  timer_.expires_after(std::max<Millis>(std::chrono::duration_cast<Millis>(next - at), 50ms));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

// Nobody wants them, and nobody could use them.
void Issuer::forget_old(WallTime at) {
  std::erase_if(works_, [&](const auto& each) {
    const Work& work = each.second;
    const WallTime last = work.certificate ? work.certificate->not_after : work.record.next_try;
    const bool old = !work.wanted && !work.run && !work.starting && last + forget_after < at;
    if (old) store_.forget(work.name);
    return old;
  });
}

Ca* Issuer::ca_of(const std::string& url) const {
  for (const auto& ca : cas_)
    if (ca->url() == url) return ca.get();
  return nullptr;
}

Ca& Issuer::ca_for(const Work& work) const {
  Failing failing{work.record.failures, work.record.failing_since, {}};
  if (!work.record.attempts.empty())
    for (std::size_t i = 0; i < cas_.size(); ++i)
      if (cas_[i]->url() == work.record.attempts.back().ca) failing.last = i;
  return *cas_[choose_ca(cas_.size(), failing, life_of(work.certificate), now())];
}

void Issuer::begin(Work& work) {
  Ca& ca = ca_for(work);
  work.starting = true;
  work.forced = false;
  ca.ready([this, alive = alive_, name = work.name, url = ca.url()](const std::optional<Ca::Unready>& why) {
    if (!*alive) return;
    Ca* const ready = ca_of(url);
    const auto found = works_.find(name);
    if (found == works_.end() || !found->second.starting || ready == nullptr || stopped_) return;
    found->second.starting = false;
    why ? failed(found->second, *ready, why->problem, why->retry_after) : order(found->second, *ready);
    look_soon();
  });
}

// The key is stored before the CA hears of the order: what was asked for can be used after a crash.
Status Issuer::prepare_key(Work& work, const Ca& ca) {
  Record& record = work.record;
  if (record.order_ca != ca.url()) record.order_url.clear();
  if (!record.order_url.empty()) {
    work.new_key = store_.next_key(work.name);
    if (!work.new_key.empty()) return Done{};
    record.order_url.clear();  // without its key it is of no use
  }
  Result<EvpPkeyPtr> made = make_key(acme_.key);
  if (!made) return made.error();
  Result<std::string> pem = pem_of(**made);
  if (!pem) return pem.error();
  work.new_key = std::move(*pem);
  return store_.save_next_key(work.name, work.new_key);
}

void Issuer::order(Work& work, Ca& ca) {
  const auto refuse = [&](const Error& error) { failed(work, ca, trouble(error.what), {}); };
  if (const Status prepared = prepare_key(work, ca); !prepared) return refuse(prepared.error());
  const Result<EvpPkeyPtr> key = key_from_pem(work.new_key);
  if (!key) return refuse(key.error());
  const Result<std::string> csr = make_csr(**key, {work.name});
  if (!csr) return refuse(csr.error());

  OrderSpec spec;
  spec.names = {work.name};
  spec.ways = ways_to(work.name);
  // After a failure another way comes first: one of the ports may be closed.
  if (!spec.ways.empty())
    std::rotate(spec.ways.begin(), spec.ways.begin() + work.record.failures % spec.ways.size(), spec.ways.end());
  spec.new_order_url = ca.directory().new_order;
  spec.order_url = work.record.order_url;
  spec.profile = ca.profile();
  spec.csr = base64url({reinterpret_cast<const std::uint8_t*>(csr->data()), csr->size()});
  if (!spec.profile.empty() && !ca.directory().profiles.contains(spec.profile)) {
    Problem problem = trouble("the CA has no profile " + spec.profile);
    problem.type = "invalidProfile";
    return failed(work, ca, problem, {});
  }
  const bool follows = ca.offers_windows() && work.record.ca == ca.url() && work.record.account == ca.account();
  if (work.certificate && follows) spec.replaces = certificate_id(work.certificate->leaf.get());

  OrderRun::Hands hands;
  hands.remember = [this, name = work.name, url = ca.url()](const std::string& order_url) {
    Work& one = work_of(name);
    one.record.order_url = order_url;
    one.record.order_ca = url;
    save(one);
  };
  hands.present = [this, name = work.name, &ca](std::vector<Challenge> challenges,
                                                std::function<void(std::string)> done) {
    present(name, std::move(challenges), &ca, std::move(done));
  };
  hands.ended = [this, name = work.name](OrderEnd end) { ended(name, std::move(end)); };
  ++counts_.orders;
  work.run = std::make_shared<OrderRun>(io_, ca, std::move(spec), work.new_key, std::move(hands));
  work.run->start();
}

void Issuer::ended(const std::string& name, OrderEnd end) {
  Work& work = work_of(name);
  const auto run = std::exchange(work.run, nullptr);
  if (end.certificate)
    obtained(work, run->ca(), std::move(end));
  else
    failed(work, run->ca(), end.problem, end.not_before);
  look_soon();
}

void Issuer::obtained(Work& work, const Ca& ca, OrderEnd end) {
  ++counts_.obtained;
  const bool first = !work.certificate;
  work.certificate = std::move(end.certificate);
  work.placeholder.reset();
  Record& record = work.record;
  record.order_url.clear();
  record.order_ca.clear();
  record.failures = 0;
  record.failing_since = record.next_try = WallTime{};
  record.ca = ca.url();
  record.account = ca.account();
  record.profile = ca.profile();
  record.chain = ca.conf().chain;
  record.key = acme_.key;
  record.window.reset();
  record.window_failures = 0;
  record.ask_window_at = ca.offers_windows() ? now() : now() + ari_most;
  record.note({now(), ca.url(), first ? "obtained" : "renewed", true});
  plan(work, now());
  wipe(work.unsaved_key);
  work.unsaved_key = std::move(work.new_key);
  work.unsaved_chain = std::move(end.chain_pem);
  work.new_key.clear();
  save_unsaved(work);
  if (!work.unsaved_chain.empty())
    ports_.tell(false, "certificate " + work.name +
                           " could not be stored: it is served from memory, and written as soon as that can be done");
  save(work);
  ports_.certificates_changed();
  if (end.other_chain)
    ports_.tell(false, "certificate " + work.name + ": the CA offers no chain to " + ca.conf().chain +
                           "; the one of its choice is used");
  ports_.tell(true, "certificate " + work.name + (first ? " obtained" : " renewed") + " from " + ca.url());
}

void Issuer::save_unsaved(Work& work) {
  if (!store_.save_certificate(work.name, work.unsaved_key, work.unsaved_chain)) return;
  wipe(work.unsaved_key);
  work.unsaved_chain.clear();
}

void Issuer::save(Work& work) {
  if (const Status saved = store_.save(work.name, work.record); !saved)
    ports_.tell(false, "what is known of certificate " + work.name + " could not be stored: " + saved.error().what);
}

void Issuer::failed(Work& work, const Ca& ca, const Problem& problem, std::optional<Seconds> not_before) {
  const std::string type = problem.type.empty() ? "none" : problem.type;
  if (counts_.failures.contains(type) || counts_.failures.size() < failure_types_most)
    ++counts_.failures[type];
  else
    ++counts_.failures["other"];
  wipe(work.new_key);
  Record& record = work.record;
  if (record.failures++ == 0) record.failing_since = now();
  const Millis delay =
      std::max<Millis>(retry_delay(record.failures, life_of(work.certificate)), not_before.value_or(0s));
  record.next_try = now() + delay;
  record.note({now(), ca.url(), problem.text(), false});
  save(work);
  const auto seconds = std::chrono::duration_cast<Seconds>(delay).count();
  ports_.tell(false, "certificate " + work.name + " not " + (work.certificate ? "renewed" : "obtained") + ": " +
                         problem.text() + "; tried again in " + std::to_string(seconds) + " s");
}

// A wildcard can be shown by dns-01 alone; other names by what the CA asks us, else by it.
std::vector<Way> Issuer::ways_to(const std::string& name) const {
  if (name.starts_with("*.")) return {Way::dns_01};
  std::vector<Way> out = ways_;
  if (dns_.can_prove(name)) out.push_back(Way::dns_01);
  return out;
}

void Issuer::take_down(const std::string& name) {
  dns_.take_down(name);
  if (open_challenges_.erase(name) > 0) put_up_soon();
}

void Issuer::present(const std::string& name, std::vector<Challenge> challenges, const Ca* ca,
                     std::function<void(std::string)> done) {
  counts_.challenges += challenges.size();
  take_down(name);
  std::vector<DnsProof> proofs;
  for (const Challenge& each : challenges) {
    const std::string answer = ca->key().authorization(each.token);
    if (each.way == Way::http_01) open_challenges_[name].http[each.token] = answer;
    if (each.way == Way::http_01) continue;
    std::array<std::uint8_t, 32> digest;
    EVP_Digest(answer.data(), answer.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    if (each.way == Way::dns_01) {
      proofs.push_back({each.name, base64url(digest)});
      continue;
    }
    const Result<CertificatePtr> made = make_challenge_certificate(each.name, digest, now());
    if (!made) return asio::post(io_, [done, what = made.error().what] { done(what); });
    open_challenges_[name].tls[each.name] = *made;
  }
  if (!proofs.empty()) return dns_.put_up(name, std::move(proofs), std::move(done));  // one name, one challenge
  if (done) to_see_.push_back(std::move(done));
  put_up_soon();
}

void Issuer::put_up_soon() {
  if (std::exchange(puts_up_, true)) return;
  asio::post(io_, [this, alive = alive_] {
    if (*alive) put_up();
  });
}

void Issuer::put_up() {
  puts_up_ = false;
  auto board = std::make_shared<ChallengeBoard>();
  for (const auto& [name, open] : open_challenges_) {
    board->http.insert(open.http.begin(), open.http.end());
    board->tls.insert(open.tls.begin(), open.tls.end());
  }
  ports_.put_up(std::move(board), [waiting = std::exchange(to_see_, {})] {
    for (const auto& done : waiting) done({});
  });
}

std::vector<NamedCertificate> Issuer::certificates() const {
  std::vector<NamedCertificate> out;
  for (const auto& [name, work] : works_) {
    if (work.certificate && (work.wanted || !is_over(work.certificate)))
      out.push_back({"acme:" + name, work.certificate, true});
    else if (work.wanted && work.placeholder)
      out.push_back({"acme:" + name, work.placeholder, true});
  }
  return out;
}

CertificateView Issuer::view_of(const Work& work) const {
  CertificateView out{work.name, work.certificate, work.record, {}, work.wanted, !work.unsaved_chain.empty(), {}};
  if (work.run)
    out.step = work.run->step();
  else if (work.starting)
    out.step = "asking the CA for its directory";
  return out;
}

std::vector<CertificateView> Issuer::views() const {
  std::vector<CertificateView> out;
  for (const auto& [name, work] : works_) out.push_back(view_of(work));
  for (const auto& [name, why] : refused_) {
    CertificateView view{name, nullptr, {}, {}, true, false, why};
    out.push_back(std::move(view));
  }
  return out;
}

std::optional<CertificateView> Issuer::view(const std::string& name) const {
  if (const auto found = works_.find(name); found != works_.end()) return view_of(found->second);
  if (const auto found = refused_.find(name); found != refused_.end())
    return CertificateView{name, nullptr, {}, {}, true, false, found->second};
  return std::nullopt;
}

}  // namespace gatehouse::acme
