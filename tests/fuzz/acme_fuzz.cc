// A CA that says anything: documents are read or refused, and an order comes to an end whatever it is answered with,
// doing one thing at a time, presenting nothing that was not asked for.
#include <cstdint>

#include "acme/ari.h"
#include "acme/chain.h"
#include "acme/directory.h"
#include "acme/live_dns.h"
#include "acme/order.h"
#include "acme/record.h"
#include "acme/retry_after.h"
#include "acme/url.h"
#include "tests/fuzz/require.h"

using namespace gatehouse;
using namespace gatehouse::acme;

namespace {

const WallTime noon = WallTime::clock::from_time_t(1'800'000'000);

void read_documents(std::string_view text) {
  if (const auto directory = read_directory(text)) REQUIRE(directory->new_order.starts_with("https://"));
  const Problem problem = read_problem(400, text);
  REQUIRE(problem.detail.size() <= Problem::text_most && problem.parts.size() <= Problem::parts_most);
  (void)problem.text();
  (void)problem.fault();
  if (const auto window = read_renewal_info(text, noon)) REQUIRE(window->start < window->end && window->end <= noon);
  if (const auto wait = read_retry_after(text, noon)) REQUIRE(*wait >= Seconds(0) && *wait <= later_most);
  if (const auto url = read_url(text)) REQUIRE(url->place.tls && url->target.starts_with('/'));
  REQUIRE(read_record(text).attempts.size() <= Record::attempts_most);
  if (const auto values = live_dns_values(text)) {
    REQUIRE(values->size() <= values_most);
    if (const auto more = live_dns_change(*values, true, "ours")) REQUIRE(live_dns_values(live_dns_body(*more)));
  }
  (void)live_dns_refusal(404, text);
  (void)judge_chain(text, text, {"a.test"}, noon);
  REQUIRE(!leads_to(text, "a root") || text.size() <= chain_bytes_most);
}

// Each line is an answer: a letter for the kind, then the body.
void run_order(std::string_view text) {
  OrderSpec spec;
  spec.names = {"a.test"};
  spec.ways = {Way::http_01, Way::tls_alpn_01};
  spec.new_order_url = "https://ca.test/new-order";
  OrderMachine machine(spec);
  std::vector<Action> actions = machine.start();
  for (unsigned steps = 0; steps < 10'000; ++steps) {
    REQUIRE(!actions.empty());
    const Action& last = actions.back();
    if (std::holds_alternative<Install>(last) || std::holds_alternative<GiveUp>(last)) {
      REQUIRE(machine.on(Tick{}).empty());
      return;
    }
    REQUIRE(!std::holds_alternative<Remember>(last));
    if (const auto* present = std::get_if<Present>(&last)) {
      for (const Challenge& each : present->challenges) {
        REQUIRE(each.name == "a.test" && !each.token.empty());
        REQUIRE(each.token.find_first_of("/\r\n \"") == std::string::npos);
      }
      actions = machine.on(Presented{});
      continue;
    }
    if (std::holds_alternative<Wait>(last)) {
      actions = machine.on(Tick{});
      continue;
    }
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      actions = machine.on(Lost{"nothing"});
      continue;
    }
    Reply reply;
    reply.status = line[0] == 'e' ? 400 : line[0] == 's' ? 503 : line[0] == 'n' ? 404 : 200;
    reply.location = "https://ca.test/order/1";
    if (line[0] == 'r') reply.retry_after = Seconds(line.size());
    reply.body = line.substr(1);
    actions = machine.on(reply);
  }
  REQUIRE(false && "the order came to no end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_documents(text);
  run_order(text);
  return 0;
}
