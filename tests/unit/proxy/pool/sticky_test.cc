#include "proxy/pool/sticky.h"

#include <set>

#include "tests/unit/proxy/pool/pools.h"

namespace gatehouse::pool {
namespace {

StickyKey key_of(std::uint8_t byte) {
  StickyKey key;
  key.fill(byte);
  return key;
}

class StickyCookie : public testing::Test {
 protected:
  StickyCookie() {
    for (std::uint32_t i = 0; i < 5; ++i) {
      endpoints_.push_back(make_endpoint({}, i));
      endpoints_.back().address = {IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i)), 80};
    }
  }
  Sticky make(std::vector<StickyKey> keys, std::string_view service = "web") const {
    return Sticky(service, "gh", endpoints_, keys);
  }
  static std::string value(const Sticky& sticky, std::size_t endpoint) {
    return std::string(sticky.set_cookie(endpoint, true).substr(3, sticky_value_size));
  }
  std::vector<Endpoint> endpoints_;
};

TEST_F(StickyCookie, HasTheAttributesOfASessionCookie) {
  const auto sticky = make({key_of(1)});
  const auto plain = std::string(sticky.set_cookie(2, false)), tls = std::string(sticky.set_cookie(2, true));
  EXPECT_EQ(plain, "gh=" + value(sticky, 2) + "; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(tls, plain + "; Secure");
}

TEST_F(StickyCookie, LeadsBackToItsEndpoint) {
  const auto sticky = make({key_of(1)});
  std::set<std::string> values;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(sticky.find(value(sticky, i)), i);
    values.insert(value(sticky, i));
  }
  EXPECT_EQ(values.size(), 5u);
}

TEST_F(StickyCookie, IsTheSameOnEveryDoorAndFollowsItsEndpointWhereverItStands) {
  const auto here = make({key_of(1)});
  std::reverse(endpoints_.begin(), endpoints_.end());
  const auto there = make({key_of(1)});
  EXPECT_EQ(there.find(value(here, 0)), 4u);
}

TEST_F(StickyCookie, OfAnotherKeyServiceOrAddressMeansNothing) {
  const auto sticky = make({key_of(1)});
  EXPECT_EQ(make({key_of(2)}).find(value(sticky, 0)), std::nullopt);
  EXPECT_EQ(make({key_of(1)}, "api").find(value(sticky, 0)), std::nullopt);
  const auto old = value(sticky, 0);
  endpoints_[0].address.port = 81;
  EXPECT_EQ(make({key_of(1)}).find(old), std::nullopt);
}

TEST_F(StickyCookie, OfAnOlderKeyIsStillUnderstood) {
  const auto old = make({key_of(1)});
  const auto both = make({key_of(2), key_of(1)});
  EXPECT_EQ(both.find(value(old, 3)), 3u);
  EXPECT_NE(value(both, 3), value(old, 3));  // but the new key signs
}

TEST_F(StickyCookie, ForgedOrSpoiledIsIgnored) {
  const auto sticky = make({key_of(1)});
  const auto good = value(sticky, 1);
  EXPECT_EQ(sticky.find(""), std::nullopt);
  EXPECT_EQ(sticky.find(good.substr(1)), std::nullopt);
  EXPECT_EQ(sticky.find(good + "A"), std::nullopt);
  EXPECT_EQ(sticky.find("AAAAAAAAAAAAAAAAAAAAAA"), std::nullopt);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (char c : {'A', 'b', '7', '-', '_', '+', '/', '=', ' ', '\0', '\x80'}) {
      auto forged = good;
      if (forged[i] == c) continue;
      forged[i] = c;
      EXPECT_EQ(sticky.find(forged), std::nullopt) << forged;
    }
  }
}

TEST_F(StickyCookie, IsUnderstoodInOneSpellingOnly) {
  const auto sticky = make({key_of(1)});
  const auto good = value(sticky, 1);  // its last character holds two bits of the value and four that must be zero
  int understood = 0;
  for (char c = '-'; c <= 'z'; ++c) understood += sticky.find(good.substr(0, 21) + c) == 1u;
  EXPECT_EQ(understood, 1);
}

TEST_F(StickyCookie, IsOffWithoutANameOrAKey) {
  EXPECT_FALSE(make({}).on());
  EXPECT_FALSE(Sticky("web", "", endpoints_, std::vector{key_of(1)}).on());
  EXPECT_FALSE(Sticky().on());
  EXPECT_EQ(Sticky().find("AAAAAAAAAAAAAAAAAAAAAA"), std::nullopt);
  EXPECT_TRUE(make({key_of(1)}).on());
}

}  // namespace
}  // namespace gatehouse::pool
