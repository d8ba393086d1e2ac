#include <atomic>

#include <gtest/gtest.h>

#include "net/encoding.h"
#include "net/password_hash.h"
#include "proxy/auth/credentials.h"
#include "proxy/auth/password_pool_io.h"
#include "proxy/auth/verdict_cache.h"

namespace gatehouse::auth {
namespace {

TEST(Credentials, ReadsNameAndPassword) {
  const auto told = Credentials::read("bAsIc " + base64("ada:se:cret"));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->name(), "ada");
  EXPECT_EQ(told->password(), "se:cret");
  EXPECT_EQ(Credentials::read("Basic " + base64("ada:"))->password(), "");
}

TEST(Credentials, WhatIsMalformedIsNone) {
  for (const std::string& text :
       {std::string(), std::string("Basic"), std::string("Basic "), "Bearer " + base64("a:b"),
        "Basic " + base64("ada"), "Basic " + base64(":x"), std::string("Basic !!!!"), "Basic " + base64("a:b\nc"),
        "Basic " + base64("a:" + std::string(1, '\0'))})
    EXPECT_FALSE(Credentials::read(text)) << text;
  EXPECT_TRUE(Credentials::read("Basic " + base64("a:" + std::string(764, 'x'))));
  EXPECT_FALSE(Credentials::read("Basic " + base64("a:" + std::string(770, 'x'))));
}

TEST(PasswordHash, KnowsTheKindsThatHtpasswdWrites) {
  // Made by `openssl passwd` and by htpasswd.
  EXPECT_EQ(apr1_hash("secret", "salt1234"), apr1_hash("secret", "salt1234"));
  EXPECT_TRUE(verify_password("myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"));
  EXPECT_FALSE(verify_password("myPassworD", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"));
  EXPECT_TRUE(verify_password("myPassword", "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE="));
  EXPECT_FALSE(verify_password("mypassword", "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE="));
  EXPECT_TRUE(verify_password("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
  EXPECT_FALSE(verify_password("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
  EXPECT_TRUE(verify_password("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"));
}

TEST(PasswordHash, WhatIsNoHashMatchesNothing) {
  for (const char* hash : {"", "secret", "$apr1$", "{SHA}", "$2y$", "*0", "*1", "$9$x$y"})
    for (const char* password : {"", "secret", "*0"}) EXPECT_FALSE(verify_password(password, hash)) << hash;
  EXPECT_FALSE(verify_password(std::string(password_bytes_max + 1, 'x'), "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"));
  EXPECT_FALSE(verify_password(std::string("a\0b", 3), "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"));
}

TEST(VerdictCache, KeepsAVerdictForItsTime) {
  VerdictCache cache;
  const auto key = VerdictCache::key_of("$2y$05$x", "secret");
  EXPECT_FALSE(cache.find(key, 1000));
  cache.keep(key, true, 1000);
  EXPECT_EQ(cache.find(key, 1000 + VerdictCache::good_ms - 1), true);
  EXPECT_FALSE(cache.find(key, 1000 + VerdictCache::good_ms));
  cache.keep(key, false, 1000);
  EXPECT_EQ(cache.find(key, 1000 + VerdictCache::bad_ms - 1), false);
  EXPECT_FALSE(cache.find(key, 1000 + VerdictCache::bad_ms));
}

TEST(VerdictCache, HoldsForOnePasswordAndOneHash) {
  VerdictCache cache;
  cache.keep(VerdictCache::key_of("$2y$05$x", "secret"), true, 0);
  EXPECT_FALSE(cache.find(VerdictCache::key_of("$2y$05$x", "secreT"), 1));
  EXPECT_FALSE(cache.find(VerdictCache::key_of("$2y$05$y", "secret"), 1));
  EXPECT_NE(VerdictCache::key_of("ab", "c"), VerdictCache::key_of("a", "bc"));
}

TEST(PasswordPool, TellsEachVerdictOnceAndIsBounded) {
  PasswordPool pool;
  std::atomic<int> good{0}, bad{0};
  const auto job = [&](const char* password, std::uint8_t client) {
    PasswordPool::Job made{IpAddress::v4(10, 0, 0, client), password, "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", {}};
    made.done = [&](bool is_good) { ++(is_good ? good : bad); };
    return made;
  };
  EXPECT_TRUE(pool.submit(job("myPassword", 1)));
  EXPECT_TRUE(pool.submit(job("other", 2)));
  while (good + bad < 2) std::this_thread::yield();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(bad, 1);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += pool.submit(job("other", 3));
  EXPECT_LT(taken, 1000);
  pool.stop();
  EXPECT_FALSE(pool.submit(job("other", 4)));
}

}  // namespace
}  // namespace gatehouse::auth
