#include "net/file_watch.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

// The kernel queues events within the call that causes them: nothing here waits.
class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() { fs::create_directory(scratch_.path("conf")); }
  FileWatch watching(std::vector<std::string> names) {
    for (auto& name : names) name = scratch_.path(name);
    return FileWatch(std::move(names), now_);
  }
  // Is a change reported once all is quiet, and only then?
  bool settles(FileWatch& watch) {
    if (watch.poll(now_)) return false;
    if (!watch.deadline()) return false;
    for (int i = 0; i < 8 && watch.deadline(); ++i) {
      const TimePoint deadline = *watch.deadline();
      if (deadline > now_ && watch.poll(deadline - 1ms)) return false;
      now_ = std::max(now_, deadline);
      if (watch.poll(now_)) return true;
    }
    return false;
  }
  bool rests(FileWatch& watch) {
    for (int second = 0; second < 5; ++second)
      if (watch.poll(now_ += 1s)) return false;
    return true;
  }

  ScratchFolder scratch_;
  TimePoint now_{1000s};
};

TEST_F(FileWatchTest, ReportsWhatHappensInAFolderOnce) {
  scratch_.write("conf/a", "1");
  auto watch = watching({"conf"});
  EXPECT_FALSE(watch.deadline());
  EXPECT_TRUE(rests(watch));
  scratch_.write("conf/a", "2");
  EXPECT_TRUE(settles(watch));
  EXPECT_TRUE(rests(watch));
  scratch_.write("conf/new", "");
  EXPECT_TRUE(settles(watch));
  fs::rename(scratch_.path("conf/new"), scratch_.path("conf/newer"));
  EXPECT_TRUE(settles(watch));
  fs::permissions(scratch_.path("conf/newer"), fs::perms::owner_read);
  EXPECT_TRUE(settles(watch));
  fs::remove(scratch_.path("conf/newer"));
  EXPECT_TRUE(settles(watch));
  EXPECT_TRUE(rests(watch));
}

TEST_F(FileWatchTest, WaitsForHalfASecondOfQuiet) {
  auto watch = watching({"conf"});
  scratch_.write("conf/a", "1");
  EXPECT_FALSE(watch.poll(now_));
  EXPECT_EQ(watch.deadline(), now_ + 500ms);
  EXPECT_FALSE(watch.poll(now_ + 499ms));
  scratch_.write("conf/a", "2");
  EXPECT_FALSE(watch.poll(now_ + 499ms));
  EXPECT_FALSE(watch.poll(now_ + 998ms));
  EXPECT_TRUE(watch.poll(now_ + 999ms));
}

TEST_F(FileWatchTest, UnderConstantWritesReportsAfterTwoSeconds) {
  auto watch = watching({"conf"});
  int reports = 0;
  for (int i = 0; i < 60; ++i, now_ += 100ms) {
    scratch_.write("conf/a", std::to_string(i));
    reports += watch.poll(now_);
  }
  EXPECT_EQ(reports, 2);  // at 2.0 s and at 4.1 s
  EXPECT_TRUE(watch.poll(now_ + 1s));
}

TEST_F(FileWatchTest, NoticesOnlyItsOwnFile) {
  scratch_.write("conf/gatehouse.yaml", "1");
  auto watch = watching({"conf/gatehouse.yaml"});
  scratch_.write("conf/other", "1");
  scratch_.write("stranger", "1");
  EXPECT_TRUE(rests(watch));
  scratch_.write("conf/gatehouse.yaml", "2");
  EXPECT_TRUE(settles(watch));
  scratch_.write("conf/.new", "3");
  fs::rename(scratch_.path("conf/.new"), scratch_.path("conf/gatehouse.yaml"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("conf/gatehouse.yaml", "4");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, SeesASwappedDataLinkAndThenItsNewTarget) {
  fs::create_directory(scratch_.path("conf/..v1")), fs::create_directory(scratch_.path("conf/..v2"));
  scratch_.write("conf/..v1/a.crt", "1"), scratch_.write("conf/..v2/a.crt", "2");
  fs::create_directory_symlink("..v1", scratch_.path("conf/..data"));
  fs::create_symlink("..data/a.crt", scratch_.path("conf/a.crt"));
  auto watch = watching({"conf"});
  scratch_.write("conf/..v1/a.crt", "1b");
  EXPECT_TRUE(settles(watch)) << "the target's folder is watched";
  fs::create_directory_symlink("..v2", scratch_.path("conf/..tmp"));
  fs::rename(scratch_.path("conf/..tmp"), scratch_.path("conf/..data"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("conf/..v1/a.crt", "1c");
  EXPECT_TRUE(rests(watch)) << "the old target no longer counts";
  scratch_.write("conf/..v2/a.crt", "2b");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, SeesAFileFarAwayThroughTwoLinks) {
  fs::create_directory(scratch_.path("far")), fs::create_directory(scratch_.path("farther"));
  scratch_.write("farther/real", "1");
  fs::create_symlink(scratch_.path("farther/real"), scratch_.path("far/link"));
  fs::create_symlink("../far/link", scratch_.path("conf/a"));
  auto watch = watching({"conf/a"});
  scratch_.write("farther/real", "2");
  EXPECT_TRUE(settles(watch));
  scratch_.write("far/other", "");
  scratch_.write("farther/other", "");
  EXPECT_TRUE(rests(watch));
  scratch_.write("conf/elsewhere", "3");
  fs::remove(scratch_.path("far/link"));
  fs::create_symlink("../conf/elsewhere", scratch_.path("far/link"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("conf/elsewhere", "4");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, TheFolderItselfMayBeALinkThatMoves) {
  fs::create_directory(scratch_.path("v1")), fs::create_directory(scratch_.path("v2"));
  fs::create_directory_symlink("v1", scratch_.path("live"));
  auto watch = watching({"live"});
  fs::create_directory_symlink("v2", scratch_.path("next"));
  fs::rename(scratch_.path("next"), scratch_.path("live"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("v2/a", "");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, SurvivesItsFoldersDeletionAndReturn) {
  auto watch = watching({"conf"});
  fs::remove(scratch_.path("conf"));
  EXPECT_TRUE(settles(watch));
  ASSERT_TRUE(watch.deadline()) << "looks again each second while it is missing";
  EXPECT_EQ(*watch.deadline(), now_ + 1s);
  EXPECT_TRUE(rests(watch));
  fs::create_directory(scratch_.path("conf"));
  EXPECT_TRUE(settles(watch));
  EXPECT_FALSE(watch.deadline());
  scratch_.write("conf/a", "");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, SeesAnAncestorReplaced) {
  fs::create_directories(scratch_.path("etc/gatehouse/services"));
  fs::create_directories(scratch_.path("etc.new/gatehouse/services"));
  auto watch = watching({"etc/gatehouse/services"});
  fs::rename(scratch_.path("etc"), scratch_.path("etc.old"));
  fs::rename(scratch_.path("etc.new"), scratch_.path("etc"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("etc.old/gatehouse/services/a", "");
  EXPECT_TRUE(rests(watch));
  scratch_.write("etc/gatehouse/services/a", "");
  EXPECT_TRUE(settles(watch));
}

TEST_F(FileWatchTest, WaitsForAPathThatIsNotThereYet) {
  auto watch = watching({"later/deep/a.yaml"});
  EXPECT_TRUE(rests(watch));
  fs::create_directories(scratch_.path("later/deep"));
  EXPECT_TRUE(settles(watch));
  scratch_.write("later/deep/a.yaml", "");
  EXPECT_TRUE(settles(watch));
  EXPECT_FALSE(watch.deadline());
}

TEST_F(FileWatchTest, LinksThatRunInACircleAreAsGoodAsMissing) {
  fs::create_symlink("b", scratch_.path("a")), fs::create_symlink("a", scratch_.path("b"));
  auto watch = watching({"a"});
  EXPECT_TRUE(watch.deadline());
  EXPECT_TRUE(rests(watch));
  fs::remove(scratch_.path("b"));
  scratch_.write("b", "real now");
  EXPECT_TRUE(settles(watch));
  EXPECT_FALSE(watch.deadline());
}

// More folders than it may watch stand for a kernel that gives no more watches.
TEST_F(FileWatchTest, ComparesByStatWhereItCannotWatch) {
  for (const std::string name : {"a", "b"}) {
    fs::create_directories(scratch_.path("far/" + name));
    scratch_.write("far/" + name + "/real", "1");
    fs::create_symlink("../far/" + name + "/real", scratch_.path("conf/" + name));
  }
  const std::size_t ancestors = std::count(scratch_.path().begin(), scratch_.path().end(), '/') + 1;
  const std::size_t needed = ancestors + 4;  // conf, far, far/a, far/b
  EXPECT_FALSE(FileWatch({scratch_.path("conf")}, now_, needed).deadline());
  FileWatch watch({scratch_.path("conf")}, now_, needed - 1);  // far/b, the last by name, goes without
  ASSERT_EQ(watch.deadline(), now_ + 1s);
  EXPECT_TRUE(rests(watch));
  scratch_.write("far/b/real", "22");
  EXPECT_FALSE(watch.poll(now_)) << "nobody tells";
  EXPECT_TRUE(settles(watch));
  EXPECT_TRUE(rests(watch));
}

}  // namespace
}  // namespace gatehouse
