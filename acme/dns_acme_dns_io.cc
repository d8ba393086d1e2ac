// acme-dns: a small server that keeps the last two values of each of its names; nothing is taken back.
#include "acme/ask_once_io.h"
#include "acme/dns_provider_io.h"
#include "acme/json_look.h"
#include "net/read_file.h"

namespace gatehouse::acme {
namespace {

constexpr std::size_t accounts_most = 1 << 20;

struct Account {
  std::string user, password, subdomain;
};

// By the name that its records have: {"shop.example": {"username": …, "fulldomain": …}}, as lego and certbot write it.
Result<Account> account_of(const std::string& file, const std::string& name) {
  const Result<FileContent> content = read_file(file, accounts_most);
  if (!content) return content.error();
  if ((content->mode & 077) != 0) return invalid(file + ": others can read it; chmod 600 it");
  const json::object all = read_object(content->bytes);
  if (all.empty()) return invalid(file + ": is no JSON object of accounts");
  for (const auto& [domain, value] : all) {
    if (!value.is_object()) continue;
    const json::object& one = value.get_object();
    if (text_at(one, "fulldomain") == name)
      return Account{text_at(one, "username"), text_at(one, "password"), text_at(one, "subdomain")};
  }
  return invalid(file + ": no account has the fulldomain " + name);
}

}  // namespace

Status change_by_acme_dns(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop) {
  if (!change.present) return Done{};
  const Result<Account> account = account_of(zone.account, change.name);
  if (!account) return account.error();
  HttpClientRequest request;
  request.method = "POST";
  request.fields = {
      {"X-Api-User", account->user}, {"X-Api-Key", account->password}, {"Content-Type", "application/json"}};
  request.body = json::serialize(json::object{{"subdomain", account->subdomain}, {"txt", change.value}});
  const auto reply = ask_once(zone.url + "/update", zone.ca, std::move(request), provider_time, stop);
  if (!reply) return reply.error();
  if (reply->status == 200) return Done{};
  return Error{Errc::refused,
               zone.url + " answered " + std::to_string(reply->status) +
                   (reply->status == 401 ? ": the account of " + zone.account + " is not its own" : "")};
}

}  // namespace gatehouse::acme
