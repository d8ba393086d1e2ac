#include "proxy/pool/endpoint_registry.h"

#include <functional>

#include <gtest/gtest.h>

namespace gatehouse::pool {
namespace {

EndpointIdentity identity(int n) {
  return {"dc1", "n1", "web-" + std::to_string(n), {IpAddress::v4(10, 0, 0, 1), 80}, ""};
}

TEST(EndpointRegistry, FindsALivingStateAgain) {
  EndpointRegistry registry;
  const auto state = registry.acquire(identity(1), Health::unknown, 100);
  state->health = Health::up;
  EXPECT_EQ(registry.acquire(identity(1), Health::unknown, 200), state);
  EXPECT_EQ(state->health, Health::up);
  EXPECT_EQ(state->since_ms, 100);
}

TEST(EndpointRegistry, StartsANewOneAsTold) {
  EndpointRegistry registry;
  const auto state = registry.acquire(identity(1), Health::warning, 100);
  EXPECT_EQ(state->health, Health::warning);
  EXPECT_EQ(state->healthy_since_ms, 100);
}

TEST(EndpointRegistry, NumbersFromZeroAndReusesTheSmallestFreeId) {
  EndpointRegistry registry;
  std::vector<std::shared_ptr<EndpointState>> states;
  for (int i = 0; i < 5; ++i) states.push_back(registry.acquire(identity(i), Health::up, 0));
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(states[i]->id, i);
  states[3].reset();
  states[1].reset();
  registry.forget_dead();
  EXPECT_EQ(registry.size(), 3u);
  const auto a = registry.acquire(identity(10), Health::up, 0), b = registry.acquire(identity(11), Health::up, 0),
             c = registry.acquire(identity(12), Health::up, 0);
  EXPECT_EQ(a->id, 1u);
  EXPECT_EQ(b->id, 3u);
  EXPECT_EQ(c->id, 5u);
}

TEST(EndpointRegistry, ReusesNoIdThatSomebodyHolds) {
  EndpointRegistry registry;
  const auto holder = registry.acquire(identity(1), Health::up, 0);  // as a connection pool would
  registry.forget_dead();
  EXPECT_NE(registry.acquire(identity(2), Health::up, 0)->id, holder->id);
}

TEST(EndpointRegistry, StartsAnewUnderTheSameIdWhenOneReturnsFromTheDead) {
  EndpointRegistry registry;
  registry.acquire(identity(1), Health::up, 0);  // dropped at once
  const auto back = registry.acquire(identity(1), Health::unknown, 50);
  EXPECT_EQ(back->id, 0u);
  EXPECT_EQ(back->health, Health::unknown);
}

TEST(EndpointRegistry, StaysSmallOverTenThousandChanges) {
  EndpointRegistry registry;
  std::shared_ptr<EndpointState> last;
  for (int i = 0; i < 10'000; ++i) {
    last = registry.acquire(identity(i), Health::up, 0);
    registry.forget_dead();
    ASSERT_LT(last->id, 2u);
  }
  EXPECT_EQ(registry.size(), 1u);
}

TEST(EndpointIdentity, ChangesWithWhatMakesAConnectionAnother) {
  conf::Service base;
  base.protocol = conf::Protocol::https;
  conf::Instance where{.datacenter = "dc1", .node = "n1", .service = "web", .id = "web-1"};
  const SocketAddress address{IpAddress::v4(10, 0, 0, 1), 80};
  const auto original = EndpointIdentity::of(base, where, address);
  const std::vector<std::function<void(conf::Service&)>> changes = {
      [](auto& s) { s.protocol = conf::Protocol::http; },
      [](auto& s) { s.tls_name = "x"; },
      [](auto& s) { s.tls_ca_file = "x"; },
      [](auto& s) { s.tls_certificate_file = "x"; },
      [](auto& s) { s.tls_key_file = "x"; },
      [](auto& s) { s.tls_verify = false; },
      [](auto& s) { s.send_proxy = conf::SendProxy::v2; },
      [](auto& s) { s.through = {"x", ""}; },
      [](auto& s) { s.through = {"x", "dc1"}; },
  };
  for (const auto& change : changes) {
    auto service = base;
    change(service);
    const auto changed = EndpointIdentity::of(service, where, address);
    EXPECT_NE(changed, original) << "change " << &change - changes.data();
    EXPECT_EQ(changed.key(), original.key());  // its keys stay where they are
  }
  auto elsewhere = where;
  elsewhere.node = "n2";
  EXPECT_NE(EndpointIdentity::of(base, elsewhere, address).key(), original.key());
  EXPECT_NE(EndpointIdentity::of(base, where, {IpAddress::v4(10, 0, 0, 1), 81}).key(), original.key());
  base.balance = conf::Balance::random;
  base.through = {"x", "dc2"};  // another datacenter's
  EXPECT_EQ(EndpointIdentity::of(base, where, address), original);
}

}  // namespace
}  // namespace gatehouse::pool
