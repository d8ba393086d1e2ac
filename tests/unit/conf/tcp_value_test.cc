#include "conf/tcp_value.h"

#include <gtest/gtest.h>

namespace gatehouse::conf {
namespace {

TEST(TcpValue, AnAddressAloneTakesAllThatComes) {
  const Result<TcpEntry> entry = parse_tcp("127.11.0.1:3306");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->address.text(), "127.11.0.1:3306");
  EXPECT_EQ(entry->sni, "");
  EXPECT_TRUE(entry->proxy_protocol.empty());
  EXPECT_EQ(entry->text(), "127.11.0.1:3306");
  EXPECT_EQ(parse_tcp(":5432")->address.text(), "[::]:5432");
}

TEST(TcpValue, AnOptionNamesTheHostOrTheNetworksOfTheHeader) {
  const Result<TcpEntry> entry = parse_tcp("[::]:443 sni=Mail.Example proxy_protocol=10.0.0.0/8,2001:db8::/32");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->sni, "mail.example");
  EXPECT_EQ(entry->proxy_protocol.size(), 2u);
  EXPECT_EQ(entry->text(), "[::]:443 sni=mail.example");
  EXPECT_EQ(parse_tcp("[::]:443 sni=**.mail.example")->sni, "**.mail.example");
}

TEST(TcpValue, WhatIsWrongSaysWhatToWrite) {
  struct Row {
    const char *value, *what;
  };
  for (const Row& row : std::vector<Row>{
           {"5432", "5432: write address:port, as in 127.0.0.1:5432 or [::]:5432"},
           {"127.0.0.1:0", "127.0.0.1:0: write address:port, as in 127.0.0.1:5432 or [::]:5432"},
           {"db.example:5432", "db.example:5432: write address:port, as in 127.0.0.1:5432 or [::]:5432"},
           {":443 sni=10.0.0.1", "sni=10.0.0.1: TLS asks for names, never for addresses"},
           {":443 name=x", "name: unknown option; write one of sni proxy_protocol"},
           {":443 proxy_protocol=10.0.0.0/33",
            "proxy_protocol=10.0.0.0/33: not a network; write it as in 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"},
           {":443 proxy_protocol=v2",
            "proxy_protocol=v2: write from which networks the header comes; towards the endpoint it is the key "
            "send_proxy"}}) {
    const Result<TcpEntry> entry = parse_tcp(row.value);
    ASSERT_FALSE(entry) << row.value;
    EXPECT_EQ(entry.error().what, row.what);
  }
}

}  // namespace
}  // namespace gatehouse::conf
