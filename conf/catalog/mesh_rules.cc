#include "conf/catalog/mesh_rules.h"

#include <algorithm>
#include <set>

namespace gatehouse::catalog {
namespace {

constexpr std::string_view proxy_kind = "connect-proxy", ingress_kind = "ingress-gateway";
constexpr std::string_view gateway_kinds[] = {"mesh-gateway", "terminating-gateway", ingress_kind};

bool is_gateway(std::string_view kind) {
  return std::find(std::begin(gateway_kinds), std::end(gateway_kinds), kind) != std::end(gateway_kinds);
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return text.empty() || std::find(words.begin(), words.end(), text) != words.end();
}

bool is_octal(std::string_view text) {
  return !text.empty() && text.size() <= 11 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
}

class Rules {
 public:
  Rules(const Definition& service, const JsonPath& path, FileReport& report)
      : service_(service), proxy_(service.object("proxy")), path_(path), report_(report) {}

  void run() {
    const std::string kind = service_.text("kind");
    check_modes();
    if (kind == proxy_kind) check_proxy();
    if (is_gateway(kind)) check_gateway(kind);
    check_sidecar();
  }

 private:
  void require(bool fine, const char* what) {
    if (!fine) report_.error(path_, what);
  }
  std::string proxy_text(std::string_view name) const { return proxy_ ? proxy_->text(name) : std::string(); }

  void check_modes() {
    if (!proxy_) return;
    const auto mesh_mode = [](const Definition& of) {
      const auto gateway = of.object("mesh_gateway");
      return !gateway || one_of(gateway->text("mode"), {"none", "local", "remote"});
    };
    require(one_of(proxy_->text("mode"), {"transparent", "direct"}), "proxy.mode is transparent or direct");
    require(mesh_mode(*proxy_), "proxy.mesh_gateway.mode is none, local or remote");
    for (const Definition& upstream : proxy_->objects("upstreams")) {
      require(mesh_mode(upstream), "an upstream's mesh_gateway.mode is none, local or remote");
      require(!upstream.says("local_bind_socket_mode") || is_octal(upstream.text("local_bind_socket_mode")),
              "an upstream's local_bind_socket_mode is octal, as in \"0600\"");
    }
  }

  void check_proxy() {
    const std::string destination = proxy_text("destination_service_name");
    require(destination.find_first_not_of(" \t") != std::string::npos && destination != "*",
            "a connect-proxy names its proxy.destination_service_name");
    require(service_.number("port").value_or(0) != 0 || !service_.text("socket_path").empty(),
            "a connect-proxy has a port or a socket_path");
    const auto connect = service_.object("connect");
    require(!connect || !connect->flag("native"), "a connect-proxy is not connect.native");
    if (!proxy_) return;
    check_upstreams();
    if (const auto expose = proxy_->object("expose")) check_expose(*expose);
  }

  void check_upstreams() {
    std::set<std::string> destinations, addresses;
    for (const Definition& upstream : proxy_->objects("upstreams")) {
      const std::string name = upstream.text("destination_name");
      const std::int64_t port = upstream.number("local_bind_port").value_or(0);
      const std::string socket = upstream.text("local_bind_socket_path");
      require(one_of(upstream.text("destination_type"), {"service", "prepared_query"}),
              "an upstream's destination_type is service or prepared_query");
      require(!name.empty() && name != "*", "an upstream names its destination_name");
      require((port != 0) != !socket.empty(), "an upstream has a local_bind_port or a local_bind_socket_path");
      const std::string type = upstream.text("destination_type");
      require(destinations
                  .insert((type.empty() ? "service" : type) + "/" + upstream.text("datacenter") + "/" +
                          upstream.text("destination_partition") + "/" + upstream.text("destination_namespace") +
                          "/" + name)
                  .second,
              "two upstreams have the same destination");
      const std::string host = upstream.text("local_bind_address");
      require(addresses.insert(port == 0 ? socket : (host.empty() ? "127.0.0.1" : host) + ":" + std::to_string(port))
                  .second,
              "two upstreams have the same local address");
    }
  }

  void check_expose(const Definition& expose) {
    std::set<std::int64_t> listeners;
    for (const Definition& path : expose.objects("paths")) {
      const std::int64_t port = path.number("listener_port").value_or(0);
      require(!path.text("path").empty(), "expose.paths: a path is empty");
      require(listeners.insert(port).second, "expose.paths: two have the same listener_port");
      require(port > 0 && port <= 65535, "expose.paths: listener_port is from 1 to 65535");
      const std::string protocol = path.text("protocol");
      require(protocol.empty() || same_key(protocol, "http") || same_key(protocol, "http2"),
              "expose.paths: protocol is http or http2");
    }
  }

  void check_gateway(const std::string& kind) {
    require(service_.number("port").value_or(0) != 0 || kind == ingress_kind, "a gateway has a port");
    const auto connect = service_.object("connect");
    require(!connect || !connect->says("sidecar_service"), "a gateway has no sidecar_service");
    if (!proxy_) return;
    for (const std::string_view name :
         {"destination_service_name", "destination_service_id", "local_service_address", "local_service_socket_path"})
      require(proxy_->text(name).empty(), "a gateway's proxy names no destination and no local service");
    require(proxy_->number("local_service_port").value_or(0) == 0, "a gateway's proxy has no local_service_port");
    require(proxy_->objects("upstreams").empty(), "a gateway's proxy has no upstreams");
  }

  void check_sidecar() {
    const auto connect = service_.object("connect");
    const auto sidecar = connect ? connect->object("sidecar_service") : std::nullopt;
    if (!sidecar) return;
    require(sidecar->text("id").empty(), "a sidecar_service has no id of its own");
    const auto inner = sidecar->object("connect");
    require(!inner || !inner->says("sidecar_service"), "a sidecar_service has no sidecar_service of its own");
  }

  const Definition& service_;
  std::optional<Definition> proxy_;
  const JsonPath& path_;
  FileReport& report_;
};

}  // namespace

bool is_mesh_kind(std::string_view kind) { return kind == proxy_kind || is_gateway(kind); }

void check_mesh_rules(const Definition& service, const JsonPath& path, FileReport& report) {
  Rules(service, path, report).run();
}

}  // namespace gatehouse::catalog
