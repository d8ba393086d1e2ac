#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/atomic_file.h"
#include "net/read_file.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

std::size_t entries(const ScratchFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

TEST(ReadFile, GivesContentAndModeThroughASymlink) {
  ScratchFolder folder;
  folder.write("real", "hello", 0640);
  fs::create_symlink("real", folder.path("link"));
  const auto content = read_file(folder.path("link"), 5);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->bytes, "hello");
  EXPECT_EQ(content->mode, 0640u);
  EXPECT_EQ(content->uid, ::geteuid());
}

TEST(ReadFile, OneByteOverTheLimitIsRefused) {
  ScratchFolder folder;
  folder.write("f", std::string(2049, 'x'));
  const auto content = read_file(folder.path("f"), 2048);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Errc::limit);
  EXPECT_EQ(content.error().what, folder.path("f") + ": larger than 2 KiB");
  EXPECT_TRUE(read_file(folder.path("f"), 2049));
}

TEST(ReadFile, SaysWhyItCannot) {
  ScratchFolder folder;
  EXPECT_EQ(read_file(folder.path("none"), 1).error().what, folder.path("none") + ": No such file or directory");
  EXPECT_EQ(read_file(folder.path(), 1).error().what, folder.path() + ": not a regular file");
}

TEST(ReadFile, AFifoIsRefusedWithoutWaitingForItsWriter) {
  ScratchFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder.path("fifo"), 1).error().what, folder.path("fifo") + ": not a regular file");
}

TEST(AtomicFile, ReplacesContentAndModeAndLeavesNothingBeside) {
  ScratchFolder folder;
  folder.write("state", "old", 0644);
  ASSERT_TRUE(write_file_atomically(folder.path("state"), "new", 0600));
  const auto content = read_file(folder.path("state"), 100);
  EXPECT_EQ(content->bytes, "new");
  EXPECT_EQ(content->mode, 0600u);
  EXPECT_EQ(entries(folder), 1u);
}

TEST(AtomicFile, MakesAFileThatWasNotThereWithoutRegardToTheUmask) {
  ScratchFolder folder;
  const mode_t before = ::umask(077);
  ASSERT_TRUE(write_file_atomically(folder.path("new"), "", 0664));
  ::umask(before);
  EXPECT_EQ(read_file(folder.path("new"), 0)->mode, 0664u);
}

// A file-size limit stands for the full disk: the write stops half way.
TEST(AtomicFile, KeepsTheOldContentWhenTheDiskIsFull) {
  ScratchFolder folder;
  folder.write("state", "old");
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto status = write_file_atomically(folder.path("state"), std::string(8192, 'x'), 0600);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, folder.path("state") + ": cannot write: File too large");
  EXPECT_EQ(folder.read("state"), "old");
  EXPECT_EQ(entries(folder), 1u);
}

TEST(AtomicFile, KeepsAFolderThatStandsInItsPlace) {
  ScratchFolder folder;
  fs::create_directory(folder.path("state"));
  EXPECT_FALSE(write_file_atomically(folder.path("state"), "x", 0600));
  EXPECT_TRUE(fs::is_directory(folder.path("state")));
  EXPECT_EQ(entries(folder), 1u);
  EXPECT_FALSE(write_file_atomically(folder.path("none/state"), "x", 0600));
}

}  // namespace
}  // namespace gatehouse
