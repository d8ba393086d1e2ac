#include "proxy/http/forwarded.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http/heads.h"

namespace gatehouse::http {
namespace {

const std::vector<IpPrefix> proxies{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("2001:db8::/32")};

// The hops from the client to the peer, as we would write them.
std::string hops(const std::string& fields, const std::string& peer = "10.0.0.1") {
  const auto parsed = request("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  EXPECT_EQ(parsed.verdict(), 0);
  const ClientInfo client = client_of(*IpAddress::parse(peer), proxies, parsed.head);
  std::string out;
  for (unsigned i = client.hop_count; i > 0; --i) out += client.hop[i - 1].text() + (i > 1 ? " " : "");
  EXPECT_EQ(client.peer().text(), peer);
  EXPECT_TRUE(out.starts_with(client.address().text()));
  return out;
}

TEST(Client, IsThePeerUnlessThePeerIsTrusted) {
  EXPECT_EQ(hops(""), "10.0.0.1");
  EXPECT_EQ(hops("X-Forwarded-For: 192.0.2.7\r\n", "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7\r\n", "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(hops("X-Real-IP: 192.0.2.7\r\n"), "10.0.0.1");
}

TEST(Client, IsTheFirstUntrustedAddressFromTheRight) {
  EXPECT_EQ(hops("X-Forwarded-For: 192.0.2.7\r\n"), "192.0.2.7 10.0.0.1");
  EXPECT_EQ(hops("X-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n"), "192.0.2.7 10.0.0.1");
  EXPECT_EQ(hops("X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.0.0.2\r\n"), "192.0.2.7 10.0.0.2 10.0.0.1");
  EXPECT_EQ(hops("X-Forwarded-For: 192.0.2.7\r\nX-A: b\r\nx-forwarded-for: 10.0.0.2\r\n"),
            "192.0.2.7 10.0.0.2 10.0.0.1");
  EXPECT_EQ(hops("X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3 10.0.0.2 10.0.0.1");  // all trusted
  EXPECT_EQ(hops("X-Forwarded-For: , 192.0.2.7 ,, \r\n"), "192.0.2.7 10.0.0.1");
}

TEST(Client, AddressesComeInManyForms) {
  for (const char* form : {"192.0.2.7", "192.0.2.7:65535", "::ffff:192.0.2.7"})
    EXPECT_EQ(hops(std::string("X-Forwarded-For: ") + form + "\r\n"), "192.0.2.7 10.0.0.1") << form;
  for (const char* form : {"2001:db9::1", "[2001:db9::1]", "[2001:DB9::1]:80"})
    EXPECT_EQ(hops(std::string("X-Forwarded-For: ") + form + "\r\n"), "2001:db9::1 10.0.0.1") << form;
}

TEST(Client, AMalformedElementEndsTheWalkAtTheLastGoodHop) {
  for (const char* bad : {"unknown", "_hidden", "192.0.2", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:123456",
                          "[192.0.2.7]", "[::1", "[::1]x", "1.2.3.4 5.6.7.8", "\"192.0.2.7\"", "\""})
    EXPECT_EQ(hops(std::string("X-Forwarded-For: 1.1.1.1, ") + bad + ", 10.0.0.2\r\n"), "10.0.0.2 10.0.0.1") << bad;
}

TEST(Client, ForwardedIsReadByRfc7239) {
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7;proto=https;by=10.0.0.1\r\n"), "192.0.2.7 10.0.0.1");
  EXPECT_EQ(hops("Forwarded: For=\"[2001:db9::1]:4711\", FOR = 10.0.0.2;host=\"a,b\"\r\n"),
            "2001:db9::1 10.0.0.2 10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=1.1.1.1\r\nForwarded: for=192.0.2.7;;\r\n"), "10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=unknown, for=10.0.0.2\r\n"), "10.0.0.2 10.0.0.1");
  EXPECT_EQ(hops("Forwarded: by=10.0.0.2\r\n"), "10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7;for=192.0.2.8\r\n"), "10.0.0.1");
}

TEST(Client, AStrangersOpenQuoteCannotSwallowWhatAProxyAppended) {
  EXPECT_EQ(hops("Forwarded: for=\", for=192.0.2.7\r\n"), "192.0.2.7 10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=\"1.1.1.1\\\", for=192.0.2.7;proto=http\r\n"), "192.0.2.7 10.0.0.1");
}

TEST(Client, TheWalkHasALength) {
  const auto many = repeated("10.0.0.9, ", 100) + "10.0.0.9";
  const auto parsed = request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + many + "\r\n\r\n");
  EXPECT_EQ(client_of(*IpAddress::parse("10.0.0.1"), proxies, parsed.head).hop_count, hops_max);
}

ClientInfo told(const ParsedRequest& parsed, const char* peer = "10.0.0.1") {
  return client_of(*IpAddress::parse(peer), proxies, parsed.head);
}

TEST(Client, WhatATrustedPeerTellsIsKeptIfItIsWellFormed) {
  const std::string first = "GET / HTTP/1.1\r\nHost: a\r\n";
  const auto good =
      request(first +
              "X-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: shop.test:8443\r\nX-Forwarded-Port: 8443\r\n"
              "X-Request-Id: abc-1\r\n\r\n");
  EXPECT_EQ(told(good).proto, "https");
  EXPECT_EQ(told(good).host, "shop.test:8443");
  EXPECT_EQ(told(good).port, 8443);
  EXPECT_EQ(told(good).request_id, "abc-1");
  const ClientInfo stranger = told(good, "192.0.2.1");
  EXPECT_FALSE(stranger.peer_trusted);
  EXPECT_TRUE(stranger.proto.empty() && stranger.host.empty() && !stranger.port && stranger.request_id.empty());

  const auto bad = request(first +
                           "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a b\r\nX-Forwarded-Port: 65536\r\n"
                           "X-Request-Id: a b\r\n\r\n");
  EXPECT_TRUE(told(bad).proto.empty() && told(bad).host.empty() && !told(bad).port && told(bad).request_id.empty());

  const auto twice = request(first + "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n\r\n");
  EXPECT_EQ(told(twice).proto, "");
}

TEST(Client, AToldSchemeWithoutAPortHasThePortOfItsUrl) {
  const auto port = [](const std::string& host, const std::string& fields) {
    return told(request("GET / HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n")).port;
  };
  const std::string https = "X-Forwarded-Proto: https\r\n", for_one = "Forwarded: for=192.0.2.7;proto=";
  EXPECT_EQ(port("shop.test", https), 443);
  EXPECT_EQ(port("shop.test", "X-Forwarded-Proto: http\r\n"), 80);
  EXPECT_EQ(port("shop.test:8443", https), 8443);
  EXPECT_EQ(port("inner:28080", https + "X-Forwarded-Host: shop.test\r\n"), 443);
  EXPECT_EQ(port("inner", https + "X-Forwarded-Host: [2001:db8::1]:8443\r\n"), 8443);
  EXPECT_EQ(port("shop.test:8443", https + "X-Forwarded-Port: 444\r\n"), 444);
  EXPECT_EQ(port("shop.test", for_one + "https\r\n"), 443);
  EXPECT_EQ(port("inner", for_one + "https;host=\"shop.test:444\"\r\n"), 444);
  EXPECT_EQ(port("shop.test:8443", ""), 0);  // no scheme is told: what we saw holds
}

TEST(Client, BothFieldsAreBelievedOnlyWhereTheyAgree) {
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n"), "10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.2\r\n"), "10.0.0.1");
  EXPECT_EQ(hops("Forwarded: for=192.0.2.7, for=10.0.0.2\r\nX-Forwarded-For: 192.0.2.7, 10.0.0.2\r\n"),
            "192.0.2.7 10.0.0.2 10.0.0.1");
}

TEST(Client, ForwardedTellsOfTheClientsOwnRequest) {
  const auto parsed = request(
      "GET / HTTP/1.1\r\nHost: a\r\n"
      "Forwarded: for=192.0.2.7;proto=https;host=\"shop.test\", for=10.0.0.2;proto=http;host=inner\r\n\r\n");
  EXPECT_EQ(told(parsed).proto, "https");
  EXPECT_EQ(told(parsed).host, "shop.test");
}

}  // namespace
}  // namespace gatehouse::http
