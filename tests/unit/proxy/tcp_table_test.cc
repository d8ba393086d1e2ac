#include "proxy/tcp_table.h"

#include <gtest/gtest.h>

#include "conf/tcp_value.h"

namespace gatehouse::proxy {
namespace {

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

// One service, whose entries are told apart by their index.
TcpTable table_of(const std::vector<std::string>& own, const std::vector<std::string>& shared = {}) {
  auto service = std::make_shared<conf::Service>();
  for (const auto* values : {&own, &shared})
    for (const std::string& value : *values) {
      service->tcp.push_back(*conf::parse_tcp(value));
      service->tcp.back().shared = values == &shared;
    }
  return TcpTable({service});
}

int index_of(const std::optional<TcpTarget>& target) { return target ? static_cast<int>(target->index) : -1; }

TEST(TcpTable, AnAddressLeadsToItsService) {
  const TcpTable table = table_of({"127.0.0.1:3306", "127.0.0.1:5432"});
  EXPECT_EQ(index_of(table.find(at("127.0.0.1:5432"), "")), 1);
  EXPECT_EQ(index_of(table.find(at("127.0.0.2:5432"), "")), -1);
  EXPECT_FALSE(table.asks_name(at("127.0.0.1:5432")));
}

TEST(TcpTable, TheMoreExactNameComesFirst) {
  const TcpTable table = table_of(
      {":993 sni=**.example", ":993 sni=*.mail.example", ":993 sni=a.mail.example", ":993 sni=**.mail.example"});
  const auto found = [&](std::string_view name) { return index_of(table.find(at("[::]:993"), name)); };
  EXPECT_EQ(found("a.mail.example"), 2);
  EXPECT_EQ(found("b.mail.example"), 1);
  EXPECT_EQ(found("c.b.mail.example"), 3);
  EXPECT_EQ(found("mail.example"), 0);
  EXPECT_EQ(found("x.y.example"), 0);
  EXPECT_EQ(found("example"), -1);
  EXPECT_EQ(found(""), -1);
  EXPECT_TRUE(table.asks_name(at("[::]:993")));
}

TEST(TcpTable, SharedNamesAreFoundAtEachListenerOfThePort) {
  const TcpTable table = table_of({}, {"[::]:443 sni=a.example", "10.0.0.1:443 sni=b.example"});
  EXPECT_TRUE(table.shares(at("10.0.0.1:443")));
  EXPECT_TRUE(table.shares(at("10.0.0.2:443")));
  EXPECT_FALSE(table.shares(at("10.0.0.1:8443")));
  EXPECT_EQ(index_of(table.find_shared(at("10.0.0.1:443"), "a.example")), 0);
  EXPECT_EQ(index_of(table.find_shared(at("10.0.0.1:443"), "b.example")), 1);
  EXPECT_EQ(index_of(table.find_shared(at("10.0.0.2:443"), "b.example")), -1);
  EXPECT_EQ(index_of(table.find_shared(at("10.0.0.2:443"), "")), -1);
  EXPECT_EQ(index_of(table.find(at("[::]:443"), "a.example")), -1);
}

TEST(TcpTable, WhereNothingIsSharedNobodyLooks) {
  EXPECT_FALSE(TcpTable().shares(at("[::]:443")));
  EXPECT_FALSE(table_of({"[::]:443"}).shares(at("[::]:443")));
}

}  // namespace
}  // namespace gatehouse::proxy
