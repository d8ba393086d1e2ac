#include "net/lock_file.h"

#include <gtest/gtest.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

TEST(LockFile, IsHeldOnceUntilItsDescriptorIsClosed) {
  const ScratchFolder folder;
  const std::string file = folder.path("lock");
  {
    const Result<UniqueFd> held = lock_file(file);
    ASSERT_TRUE(held) << held.error().what;
    const Result<UniqueFd> second = lock_file(file);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::unavailable);
    EXPECT_EQ(second.error().what, file + ": held by another process");
  }
  EXPECT_TRUE(lock_file(file));
}

TEST(LockFile, SaysWhyItCannotBeMade) {
  const ScratchFolder folder;
  EXPECT_EQ(lock_file(folder.path("nowhere/lock")).error().what,
            folder.path("nowhere/lock") + ": No such file or directory");
}

}  // namespace
}  // namespace gatehouse
