#include "cli/policy_words.h"

#include <gtest/gtest.h>

namespace gatehouse::cli {
namespace {

TEST(PolicyWords, WhatIsUsualIsNotSaid) { EXPECT_EQ(policy_words(conf::Service()), "least_request"); }

TEST(PolicyWords, WhatIsNotIsSaidInTheWordsOfTheKeys) {
  conf::Service service;
  service.balance = conf::Balance::maglev;
  service.hash_on = {conf::HashOn::Kind::header, "X-User"};
  service.protocol = conf::Protocol::https;
  service.tls_verify = false;
  service.sticky_cookie = "gatehouse";
  service.health = conf::HealthCheck{.tls = true, .path = "/up", .interval = 2s};
  service.eject.errors = 5;
  service.eject.slow = 3;
  service.queue = {10, 2s};
  service.drain_time = 5min;
  EXPECT_EQ(policy_words(service),
            "maglev, hash_on=header:X-User, protocol=https, sticky=cookie:gatehouse, health=https/up interval=2s, "
            "eject=errors=5 slow=3, drain_time=5m, queue=10,2s, tls_verify=false");
}

}  // namespace
}  // namespace gatehouse::cli
