#include "net/open_beneath.h"

#include <cerrno>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

class OpenBeneath : public testing::Test {
 protected:
  OpenBeneath() {
    fs::create_directories(scratch_.path("root/sub"));
    scratch_.write("outside", "outside");
    scratch_.write("root/a", "inside");
    fs::create_symlink("../a", scratch_.path("root/sub/up"));
    fs::create_symlink("../outside", scratch_.path("root/out"));
    fs::create_symlink(scratch_.path("root/a"), scratch_.path("root/absolute"));
    fs::create_directory_symlink("..", scratch_.path("root/parent"));
    ::mkfifo(scratch_.path("root/fifo").c_str(), 0600);
    root_ = open_folder(scratch_.path("root").c_str(), Disk::wait);
  }

  int error(const char* name) { return open_beneath(root_.fd.get(), name, Disk::wait).error; }

  ScratchFolder scratch_;
  Opened root_;
};

TEST_F(OpenBeneath, FilesAndFoldersAreTold) {
  ASSERT_EQ(root_.error, 0);
  const Opened file = open_beneath(root_.fd.get(), "a", Disk::wait);
  EXPECT_TRUE(file.is_file && !file.is_folder);
  EXPECT_EQ(file.size, 6u);
  EXPECT_GT(file.modified_ns, 1'000'000'000'000'000'000);
  EXPECT_TRUE(open_beneath(root_.fd.get(), "sub", Disk::wait).is_folder);
  const Opened fifo = open_beneath(root_.fd.get(), "fifo", Disk::wait);
  EXPECT_FALSE(fifo.is_file || fifo.is_folder);
  EXPECT_EQ(error("none"), ENOENT);
  EXPECT_EQ(error("a/b"), ENOTDIR);
  EXPECT_EQ(open_folder(scratch_.path("nowhere").c_str(), Disk::wait).error, ENOENT);
  EXPECT_EQ(open_folder(scratch_.path("root/a").c_str(), Disk::wait).error, ENOTDIR);
}

TEST_F(OpenBeneath, NothingLeadsOut) {
  EXPECT_EQ(error("sub/up"), 0);
  for (const char* name : {"out", "absolute", "parent/outside", "../outside", "sub/../../outside", "/etc/passwd"})
    EXPECT_EQ(error(name), EXDEV) << name;
}

TEST_F(OpenBeneath, WhatALinkLeadsToIsToldByItsOwnPath) {
  scratch_.write("root/.hidden", "secret");
  fs::create_symlink(".hidden", scratch_.path("root/shown"));
  const auto path_of = [this](const char* name, bool by_link) {
    const Opened opened = open_beneath(root_.fd.get(), name, Disk::wait);
    EXPECT_EQ(opened.by_link, by_link) << name;
    return path_beneath(root_.fd.get(), opened.fd.get()).value_or("(nothing)");
  };
  EXPECT_EQ(path_of("a", false), "a");
  EXPECT_EQ(path_of("sub/up", true), "a");
  EXPECT_EQ(path_of("shown", true), ".hidden");
  const Opened outside =
      open_beneath(open_folder(scratch_.path("").c_str(), Disk::wait).fd.get(), "outside", Disk::wait);
  EXPECT_FALSE(path_beneath(root_.fd.get(), outside.fd.get()));
  EXPECT_FALSE(path_beneath(root_.fd.get(), -1));
}

TEST_F(OpenBeneath, WhatWasJustOpenedIsKnownWithoutTheDisk) {
  open_beneath(root_.fd.get(), "a", Disk::wait);
  const Opened file = open_beneath(root_.fd.get(), "a", Disk::cached);
  ASSERT_EQ(file.error, 0);
  char bytes[16];
  EXPECT_EQ(read_at(file.fd.get(), bytes, 0, Disk::wait), 6);
  EXPECT_EQ(read_at(file.fd.get(), bytes, 2, Disk::wait), 4);
  EXPECT_EQ(read_at(file.fd.get(), bytes, 6, Disk::wait), 0);
  EXPECT_EQ(std::string_view(bytes, 4), "side");
  read_ahead(file.fd.get(), 0, 6);
}

}  // namespace
}  // namespace gatehouse
