#include "acme/ca_io.h"

#include <algorithm>

#include "acme/json_look.h"
#include "acme/jws.h"
#include "acme/retry_after.h"
#include "acme/url.h"
#include "net/encoding.h"

namespace gatehouse::acme {
namespace {

constexpr const char* user_agent = "gatehouse/" GATEHOUSE_VERSION;

// The URLs of `Link: <https://…>;rel="alternate"` (RFC 8288), 16 at most.
std::vector<std::string> alternates_in(const HttpClientReply& reply) {
  std::vector<std::string> out;
  for (const auto& [name, value] : reply.fields) {
    const bool is_link = name.size() == 4 && (name == "Link" || name == "link");
    if (!is_link || value.find("alternate") == value.npos) continue;
    const std::size_t begin = value.find('<'), end = value.find('>');
    if (begin != value.npos && end != value.npos && begin < end && out.size() < 16)
      out.push_back(value.substr(begin + 1, end - begin - 1));
  }
  return out;
}

Reply reply_of(HttpClientReply& from) {
  Reply out;
  out.status = from.status;
  out.location = from.field("Location");
  out.retry_after = read_retry_after(from.field("Retry-After"), std::chrono::system_clock::now());
  out.alternates = alternates_in(from);
  out.body = std::move(from.body);
  return out;
}

}  // namespace

Ca::Ca(asio::io_context& io, conf::AcmeDirectory conf, std::vector<std::string> contact, Store& store)
    : io_(io), conf_(std::move(conf)), contact_(std::move(contact)), store_(store) {}

void Ca::later(std::function<void()> work) {
  asio::post(io_, [alive = alive_, work = std::move(work)] {
    if (*alive) work();
  });
}

Result<std::shared_ptr<const TlsClientPolicy>> Ca::tls_policy() {
  TlsClientPolicy policy;
  const auto found = conf_.ca.empty() ? system_.look() : TrustStore::from_file(conf_.ca);
  if (!found) return found.error();
  policy.authorities = *found;
  policy.sessions_max = 8;
  return std::make_shared<const TlsClientPolicy>(std::move(policy));
}

Result<HttpClient*> Ca::client_of(const HttpPlace& place) {
  auto& client = clients_[place.text()];
  if (client) return client.get();
  if (clients_.size() > places_most) {
    clients_.erase(place.text());
    return Error{Errc::limit, "the CA names more than " + std::to_string(places_most) + " servers"};
  }
  HttpClient::Options options;
  options.place = place;
  options.connections_most = requests_most;
  options.body_most = answer_bytes_most;
  options.tls = [this] { return tls_policy(); };
  options.http1 = true;
  client = std::make_unique<HttpClient>(io_, std::move(options));
  return client.get();
}

void Ca::request(const std::string& text, HttpClientRequest request, HttpClient::Done done) {
  Result<Url> url = read_url(text);
  Result<HttpClient*> client = url ? client_of(url->place) : url.error();
  // Never from within the call: who asks has not set things up yet.
  if (!client) return later([done = std::move(done), error = client.error()] { done(error); });
  request.target = url->target;
  request.fields.emplace_back("User-Agent", user_agent);
  request.fields.emplace_back("Accept-Language", "en");
  (*client)->send(std::move(request), answer_most, std::move(done));
}

void Ca::ready(Ready done) {
  const bool fresh =
      has_directory_ && !changing_ && Clock::now() - directory_at_ < directory_age_most && !account_.empty();
  if (fresh) return later([done = std::move(done)] { done({}); });
  if (Clock::now() < unready_until_) return later([this, done = std::move(done)] { done(unready_); });
  waiting_.push_back(std::move(done));
  if (waiting_.size() == 1 && !changing_) fetch_directory(conf_.url, 0);
}

void Ca::end_waiting(const std::optional<Unready>& why) {
  if (why) {
    unready_ = *why;
    unready_until_ = Clock::now() + std::clamp<Millis>(why->retry_after.value_or(0s), unready_least, unready_most);
  }
  for (const Ready& done : std::exchange(waiting_, {})) done(why);
}

void Ca::fetch_directory(const std::string& url, unsigned redirects) {
  request(url, {}, [this, redirects](Result<HttpClientReply> reply) {
    if (!reply) return fail("the CA's directory can't be had: " + reply.error().what);
    const std::string_view elsewhere = reply->field("Location");
    if (reply->status / 100 == 3 && !elsewhere.empty()) {
      if (redirects == redirects_most) return fail("the CA's directory leads elsewhere again and again");
      return fetch_directory(std::string(elsewhere), redirects + 1);
    }
    directory_came(*reply);
  });
}

void Ca::directory_came(const HttpClientReply& reply) {
  const auto now = std::chrono::system_clock::now();
  if (reply.status != 200)
    return end_waiting(
        Unready{read_problem(reply.status, reply.body), read_retry_after(reply.field("Retry-After"), now)});
  Result<Directory> read = read_directory(reply.body);
  if (!read) return fail(conf_.url + ": " + read.error().what);
  if (const auto theirs = read_http_date(reply.field("Date"))) {
    const auto difference = now > *theirs ? now - *theirs : *theirs - now;
    if (difference > clock_difference_most)
      return fail("this machine's clock is " +
                  std::to_string(std::chrono::duration_cast<std::chrono::minutes>(difference).count()) +
                  " minutes off the CA's: set it first");
  }
  directory_ = std::move(*read);
  has_directory_ = true;
  directory_at_ = Clock::now();
  account_.empty() ? open_account() : end_waiting({});
}

void Ca::open_account() {
  Result<KeptAccount> kept = store_.account(conf_.url);
  if (!kept) return fail("the account can't be read: " + kept.error().what);
  if (kept->key_pem.empty()) {
    Result<AccountKey> made = AccountKey::make();
    Result<std::string> pem = made ? made->pem() : made.error();
    if (!pem) return fail(pem.error().what);
    if (const Status saved = store_.save_account_key(conf_.url, *pem); !saved)
      return fail("the account's key can't be stored: " + saved.error().what);
    key_ = std::make_shared<const AccountKey>(std::move(*made));
  } else {
    Result<AccountKey> read = AccountKey::from_pem(kept->key_pem);
    if (!read) return fail("the account's key can't be used: " + read.error().what);
    key_ = std::make_shared<const AccountKey>(std::move(*read));
    account_ = kept->url;
  }
  if (!account_.empty() && !kept->next_key_pem.empty()) return open_half_changed(kept->next_key_pem);
  if (!account_.empty()) return end_waiting({});
  const Result<std::string> payload = account_request();
  if (!payload) {
    Problem problem = trouble(payload.error().what);
    problem.type = "externalAccountRequired";
    return end_waiting(Unready{problem, {}});
  }
  auto job = std::make_shared<Job>();
  job->what = {directory_.new_account, *payload};
  job->by = key_;
  job->done = [this](const Event& event) { account_came(event); };
  send(job);
}

Result<std::string> Ca::account_request() {
  json::object out;
  json::array contact;
  for (const std::string& address : contact_) contact.emplace_back("mailto:" + address);
  if (!contact.empty()) out["contact"] = std::move(contact);
  if (!directory_.terms.empty()) out["termsOfServiceAgreed"] = true;  // check_config has seen to the consent
  if (!conf_.eab.kid.empty()) {
    const Result<std::string> text = read_secret(conf_.eab.hmac);
    if (!text) return text.error();
    const auto hmac = base64url_decoded(*text);
    if (!hmac || hmac->empty()) return invalid("the HMAC key of certificates.acme.directories[].eab is no base64url");
    out["externalAccountBinding"] = read_object(account_binding(*key_, conf_.eab.kid, *hmac, directory_.new_account));
  } else if (directory_.needs_binding) {
    return invalid(
        "the CA takes customers of its web site alone: write the key that it gives out there in "
        "certificates.acme.directories[].eab");
  }
  return json::serialize(out);
}

void Ca::account_came(const Event& event) {
  if (const auto* lost = std::get_if<Lost>(&event)) return fail("no account was made: " + lost->what);
  const Reply& reply = std::get<Reply>(event);
  if (reply.status != 200 && reply.status != 201)
    return end_waiting(Unready{read_problem(reply.status, reply.body), reply.retry_after});
  if (reply.location.empty()) return fail("the CA does not say where the account is");
  account_ = reply.location;
  if (const Status saved = store_.save_account_url(conf_.url, account_); !saved)
    return fail("the account's URL can't be stored: " + saved.error().what);
  end_waiting({});
}

void Ca::post(const Post& what, Answered done) {
  auto job = std::make_shared<Job>();
  job->what = what;
  job->done = std::move(done);
  send(job);
}

void Ca::get(const std::string& url, Answered done) {
  request(url, {}, [done = std::move(done)](Result<HttpClientReply> reply) {
    if (!reply) return done(Lost{reply.error().what});
    done(reply_of(*reply));
  });
}

void Ca::send(const JobPtr& job) {
  const std::string nonce = nonces_.take(Clock::now());
  if (!nonce.empty()) return send_with(job, nonce);
  HttpClientRequest head;
  head.method = "HEAD";
  request(directory_.new_nonce, std::move(head), [this, job](Result<HttpClientReply> reply) {
    if (!reply) return job->done(Lost{reply.error().what});
    const std::string fresh(reply->field("Replay-Nonce"));
    if (reply->status / 100 == 2 && !fresh.empty()) return send_with(job, fresh);
    if (reply->status / 100 != 2) return job->done(reply_of(*reply));
    job->done(Lost{"the CA gives out no nonces"});
  });
}

void Ca::send_with(const JobPtr& job, const std::string& nonce) {
  const std::string_view kid = job->by ? std::string_view() : account_;
  Result<std::string> body = signed_request(job->by ? *job->by : *key_, kid, job->what.url, nonce, job->what.payload);
  if (!body) return later([job, what = body.error().what] { job->done(Lost{what}); });
  HttpClientRequest post;
  post.method = "POST";
  post.fields.emplace_back("Content-Type", jose_type);
  post.body = std::move(*body);
  request(job->what.url, std::move(post),
          [this, job](Result<HttpClientReply> reply) { answered(job, std::move(reply)); });
}

void Ca::answered(const JobPtr& job, Result<HttpClientReply> reply) {
  if (!reply) return job->done(Lost{reply.error().what});
  const std::string nonce(reply->field("Replay-Nonce"));
  if (reply->status >= 400 && read_problem(reply->status, reply->body).fault() == Fault::nonce &&
      ++job->tries < nonce_tries)
    return nonce.empty() ? send(job) : send_with(job, nonce);
  nonces_.put(nonce, Clock::now());
  job->done(reply_of(*reply));
}

}  // namespace gatehouse::acme
