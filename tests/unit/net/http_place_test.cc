#include "net/http_place.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string read(const std::string& url) {
  const Result<HttpPlace> place = HttpPlace::parse(url, 8500, 8501);
  return place ? place->text() : "error";
}

TEST(HttpPlace, NamesAServerWithTheUsualPortOfItsScheme) {
  EXPECT_EQ(read("http://127.0.0.1"), "http://127.0.0.1:8500");
  EXPECT_EQ(read("https://consul.example"), "https://consul.example:8501");
  EXPECT_EQ(read("https://[2001:db8::1]:443/"), "https://[2001:db8::1]:443");
  EXPECT_EQ(read("unix:///run/consul/http.sock"), "unix:///run/consul/http.sock");
  EXPECT_TRUE(HttpPlace::parse("https://consul.example", 8500, 8501)->tls);
}

TEST(HttpPlace, WhatNamesNoneIsAnError) {
  for (const char* url : {"", "consul.example:8500", "ftp://consul.example", "http://", "http://a b", "http://a:0",
                          "http://a:70000", "http://a:8500/v1", "http://user@host", "unix://run/consul.sock"})
    EXPECT_EQ(read(url), "error") << url;
}

}  // namespace
}  // namespace gatehouse
