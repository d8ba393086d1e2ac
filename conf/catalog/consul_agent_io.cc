#include "conf/catalog/consul_agent_io.h"

#include <algorithm>
#include <charconv>

#include "net/encoding.h"
#include "net/tls_files.h"

namespace gatehouse::catalog {
namespace {

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ConsulReply reply_of(const HttpClientReply& got) {
  ConsulReply reply;
  reply.status = got.status;
  reply.index = number_of(got.field("X-Consul-Index"));
  reply.known_leader = got.field("X-Consul-KnownLeader") != "false";
  reply.last_contact = Millis(number_of(got.field("X-Consul-LastContact")));
  reply.filtered_by_acls = got.field("X-Consul-Results-Filtered-By-ACLs") == "true";
  reply.body = got.body;
  return reply;
}

void add_parameter(std::string& path, const char* name, const std::string& value) {
  if (value.empty()) return;
  path += path.find('?') == path.npos ? '?' : '&';
  path += std::string(name) + "=" + percent_encoded(value);
}

}  // namespace

ConsulAgent::ConsulAgent(asio::io_context& io, const conf::ConsulServer& server) : io_(io), server_(server) {
  drop_all();
}

void ConsulAgent::drop_all() {
  alive_ = std::make_shared<bool>(true);
  client_.emplace(
      io_, HttpClient::Options{
               .place = server_.address, .tls = [this] { return tls_policy(); }, .tls_name = server_.tls.name});
}

Result<std::shared_ptr<const TlsClientPolicy>> ConsulAgent::tls_policy() {
  const conf::ConsulTls& tls = server_.tls;
  return read_tls_policy({tls.ca, tls.certificate, tls.key}, system_);
}

std::string ConsulAgent::in_tenancy(std::string path) const {
  add_parameter(path, "partition", server_.partition);
  add_parameter(path, "ns", server_.namespace_);
  return path;
}

void ConsulAgent::get(std::string path, Millis within, Done done) {
  add_parameter(path, "dc", server_.datacenter);
  get_here(std::move(path), within, std::move(done));
}

void ConsulAgent::get_here(std::string path, Millis within, Done done) {
  HttpClientRequest request;
  request.target = in_tenancy(std::move(path));
  send(std::move(request), within, std::move(done));
}

void ConsulAgent::put(std::string path, std::string body, Millis within, Done done) {
  HttpClientRequest request;
  request.method = "PUT";
  request.target = in_tenancy(std::move(path));
  request.body = std::move(body);
  send(std::move(request), within, std::move(done));
}

void ConsulAgent::send(HttpClientRequest request, Millis within, Done done) {
  const Result<std::string> token = read_secret(server_.token);
  // Without it Consul may answer, and hide what it mustn't show.
  if (!token)
    return asio::post(io_, [done = std::move(done), error = token.error(), alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) done(error);
    });
  if (!token->empty()) request.fields.emplace_back("X-Consul-Token", *token);
  client_->send(std::move(request), within, [done = std::move(done)](const Result<HttpClientReply>& got) {
    got ? done(reply_of(*got)) : done(got.error());
  });
}

std::string trouble_of(const ConsulReply& reply) {
  constexpr std::size_t most = 200;
  std::string text = reply.body.substr(0, std::min(reply.body.find('\n'), most));
  if (reply.filtered_by_acls)
    text =
        "the token may not read all services and nodes (service_prefix \"\" and node_prefix \"\", read): what it "
        "hides would look deregistered";
  return std::to_string(reply.status) + (text.empty() ? "" : ": " + text);
}

}  // namespace gatehouse::catalog
