// consul_agent_io.h: asks one Consul agent: its address, its token and its datacenter on every request.
//   The token is read anew for each, so that one that is renewed needs no reload.
//   Threads  control; callbacks aren't called once it is destroyed. Source: Consul's HTTP API, headers of
//   agent/http.go.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "conf/catalog/consul_reply.h"
#include "conf/config.h"
#include "net/http_client_io.h"
#include "net/trust_store.h"

namespace gatehouse::catalog {

class ConsulAgent {
 public:
  using Done = std::function<void(const Result<ConsulReply>&)>;

  ConsulAgent(asio::io_context& io, const conf::ConsulServer& server);

  // `path` with its query, if any; the datacenter is added to it.
  void get(std::string path, Millis within, Done done);
  const std::string& datacenter() const { return server_.datacenter; }  // that is asked for; empty: the agent's own
  // The agent's own datacenter, whichever is asked for otherwise.
  void get_here(std::string path, Millis within, Done done);
  // To the agent itself: no datacenter.
  void put(std::string path, std::string body, Millis within, Done done);
  // Ends what is under way: its callbacks aren't called.
  void drop_all();
  std::size_t connections() const { return client_->connections(); }

 private:
  Result<std::shared_ptr<const TlsClientPolicy>> tls_policy();
  std::string in_tenancy(std::string path) const;
  void send(HttpClientRequest request, Millis within, Done done);

  asio::io_context& io_;
  const conf::ConsulServer server_;
  SystemTrust system_;
  std::optional<HttpClient> client_;
  std::shared_ptr<bool> alive_;  // until the callbacks given so far are not to be called any more
};

// The first line of what Consul said, for people.
std::string trouble_of(const ConsulReply& reply);

}  // namespace gatehouse::catalog
