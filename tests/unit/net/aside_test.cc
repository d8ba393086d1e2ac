#include "net/aside.h"

#include <string>

#include <gtest/gtest.h>
#include <pthread.h>

namespace gatehouse {
namespace {

// While it lives no thread can be had: no stack of this size fits.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 46);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST(Aside, WorkIsDoneByANamedThread) {
  std::string name(16, '\0');
  auto done = start_aside("bans", [&] {
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return Status(Error{Errc::io, "no room"});
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->get().error().what, "no room");
  EXPECT_STREQ(name.c_str(), "bans");
}

TEST(Aside, WhereNoThreadCanBeHadItIsTold) {
  const NoThreads none;
  bool worked = false;
  const auto done = start_aside("bans", [&] { return worked = true, Status(Done{}); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::limit);
  EXPECT_NE(done.error().what.find("no thread can be had"), std::string::npos);
  EXPECT_FALSE(worked);
}

}  // namespace
}  // namespace gatehouse
