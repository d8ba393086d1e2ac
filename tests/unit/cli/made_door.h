// made_door.h: a door made of values alone, to be asked: two services, a certificate, counters set by hand.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "cli/door_view.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse::cli {

class MadeDoor {
 public:
  static constexpr std::int64_t steady_ms = 1'000'000;
  static constexpr std::int64_t wall_ms = 1'800'000'000'000;  // test::noon

  MadeDoor() {
    config.file = "gatehouse.yaml";
    config.node.name = "fd1";
    listen("http", "[::]:8080", false);
    listen("https", "[::]:8443", true);
    conf::Service& web = add_service("web");
    add_route(web, "web.example", "/");
    add_instance(web, "web-1", "10.0.0.1");
    add_instance(web, "web-2", "10.0.0.2");
    certificates = {{"web", test::make_certificate({.names = {"DNS:web.example"}})}};
    counters.resize(2);
  }

  conf::Listen& listen(const std::string& name, const std::string& address, bool tls) {
    conf::Listen made;
    made.name = name;
    made.address = *SocketAddress::parse(address);
    made.tls = tls;
    config.listen.push_back(made);
    return config.listen.back();
  }
  conf::Service& add_service(const std::string& name) {
    services.emplace_back().name = name;
    return services.back();
  }
  static conf::Route& add_route(conf::Service& service, const std::string& host, const std::string& path) {
    conf::Route route;
    route.match.host = host;
    route.match.path = path;
    route.at.file = "services.json";
    route.at.line = static_cast<unsigned>(service.routes.size() + 1);
    service.routes.push_back(route);
    return service.routes.back();
  }
  static conf::Instance& add_instance(conf::Service& service, const std::string& id, const std::string& address) {
    conf::Instance instance;
    instance.node = "n1";
    instance.service = service.name;
    instance.id = id;
    instance.address = address;
    instance.port = 8000;
    service.instances.push_back(instance);
    return service.instances.back();
  }
  static void add_check(conf::Instance& instance) {
    conf::HealthCheck check;
    check.id = "http";
    instance.checks.push_back(check);
  }

  // Builds the world from what stands in the members.
  MadeDoor& build() {
    auto table = std::make_shared<conf::RoutingTable>();
    table->hosts = config.hosts;
    table->findings = findings;
    for (const conf::Service& service : services)
      table->services.push_back(std::make_shared<const conf::Service>(service));
    auto settings = std::make_shared<proxy::Settings>();
    settings->limits = config.limits;
    settings->trusted_proxies = config.trusted_proxies;
    settings->https_port = https_port;
    proxy::WorldInputs inputs;
    inputs.workers = 2;
    inputs.settings = settings;
    inputs.certificates =
        std::make_shared<const CertificateSet>(certificates, std::vector<HostCertificate>{}, nullptr);
    inputs.now = TimePoint(Millis(steady_ms));
    world = proxy::build_world(table, nullptr, registry, inputs);
    return *this;
  }

  pool::EndpointState& state(std::size_t service, std::size_t endpoint) {
    return *world->pools()[service]->endpoints[endpoint].live;
  }

  DoorView view() {
    if (!world) build();
    DoorView out{config, *world};
    for (const proxy::WorkerCounters& each : counters) out.workers.push_back(&each);
    out.ready = true;
    out.pid = 4711;
    out.started_ms = wall_ms - 3'600'000;
    out.wall_ms = wall_ms;
    out.steady_ms = steady_ms;
    out.connections_open = 12;
    out.connections_most = 1000;
    out.memory_used = 3 << 20;
    out.worlds_live = 1;
    return out;
  }

  conf::Config config;
  std::deque<conf::Service> services;
  conf::Findings findings;
  std::vector<NamedCertificate> certificates;
  std::uint16_t https_port = 0;
  std::deque<proxy::WorkerCounters> counters;
  pool::EndpointRegistry registry;
  proxy::WorldPtr world;
};

}  // namespace gatehouse::cli
