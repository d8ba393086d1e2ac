// Providers that are programs: the operator's own, and BIND's nsupdate, which knows RFC 2136 and its signatures.
#include "acme/dns_provider_io.h"
#include "net/ip.h"
#include "net/program.h"

namespace gatehouse::acme {
namespace {

constexpr int try_later = 75;  // EX_TEMPFAIL of sysexits.h

// What it said, in one line.
std::string last_line(std::string output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == '\r')) output.pop_back();
  const std::size_t line = output.rfind('\n');
  return line == output.npos ? output : output.substr(line + 1);
}

Status run(const ProgramCall& call, const std::atomic<bool>& stop) {
  const Result<ProgramEnd> end = run_program(call, provider_time, stop);
  if (!end) return end.error();
  if (end->code == 0) return Done{};
  const std::string said = last_line(end->output);
  return Error{end->code == try_later ? Errc::unavailable : Errc::refused,
               call.arguments.front() + " ended with " +
                   (end->code < 0 ? "a signal" : "exit code " + std::to_string(end->code)) +
                   (said.empty() ? "" : ": " + said)};
}

}  // namespace

Status change_by_program(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop) {
  ProgramCall call{{zone.command, change.present ? "present" : "cleanup", change.name, change.value}, {}, {}};
  call.environment = {"GATEHOUSE_DOMAIN=" + change.domain, "GATEHOUSE_ZONE=" + zone.zone};
  return run(call, stop);
}

Status change_by_rfc2136(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop) {
  const auto server = SocketAddress::parse(zone.server);
  if (!server) return invalid(zone.server + ": no address of a server");
  const std::string record = change.name + ". ";
  const std::string value = " TXT \"" + change.value + "\"\n";
  std::string input =
      "server " + server->ip.text() + " " + std::to_string(server->port) + "\nzone " + zone.zone + ".\n";
  input +=
      change.present ? "update add " + record + std::to_string(text_ttl) + value : "update delete " + record + value;
  input += "send\n";
  return run({{"nsupdate", "-v", "-t", "20", "-k", zone.key}, input, {}}, stop);
}

Status change_text(const conf::DnsZone& zone, const DnsChange& change, const std::atomic<bool>& stop) {
  switch (zone.provider) {
    case conf::DnsZone::Provider::gandi: return change_by_gandi(zone, change, stop);
    case conf::DnsZone::Provider::rfc2136: return change_by_rfc2136(zone, change, stop);
    case conf::DnsZone::Provider::acme_dns: return change_by_acme_dns(zone, change, stop);
    case conf::DnsZone::Provider::exec: return change_by_program(zone, change, stop);
  }
  return invalid("no provider");
}

}  // namespace gatehouse::acme
