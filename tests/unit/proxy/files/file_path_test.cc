#include "proxy/files/file_path.h"

#include <gtest/gtest.h>

namespace gatehouse::files {
namespace {

std::string named(std::string_view path) {
  std::vector<char> room(path_bytes_max);
  const auto found = file_path(path, room);
  return found ? std::string(found->name) + (found->is_folder ? "/" : "") : "(none)";
}

TEST(FilePath, APathIsAName) {
  EXPECT_EQ(named("/"), "/");
  EXPECT_EQ(named("/a"), "a");
  EXPECT_EQ(named("/a/b.html"), "a/b.html");
  EXPECT_EQ(named("/a/"), "a/");
  EXPECT_EQ(named("/a%20b/%C3%A9"), "a b/\xc3\xa9");
  EXPECT_EQ(named("/a%255Cb"), "a%5Cb");
  EXPECT_EQ(named("/a%5Cb"), "a\\b");
  EXPECT_EQ(named("/a..b/c."), "a..b/c.");
}

TEST(FilePath, WhatLeadsOutOrIsHiddenIsNotThere) {
  for (const char* path : {"",
                           "a",
                           "*",
                           "/.",
                           "/..",
                           "/../etc/passwd",
                           "/a/../b",
                           "/.git/config",
                           "/a/.git",
                           "/a/.git/x",
                           "/%2egit",
                           "/%2e%2e/x",
                           "/a%2Fb",
                           "/a%2fb",
                           "/a%00b",
                           "//a",
                           "/a//b",
                           "/a//",
                           "/%",
                           "/%2",
                           "/%zz",
                           "/.htaccess",
                           "/a/.well-known/x",
                           "/.well-known2"})
    EXPECT_EQ(named(path), "(none)") << path;
}

TEST(FilePath, WellKnownIsServedAtTheTop) {
  EXPECT_EQ(named("/.well-known/security.txt"), ".well-known/security.txt");
  EXPECT_EQ(named("/.well-known/.hidden"), "(none)");
}

TEST(FilePath, APlaceIsShownIfItMightBeAskedFor) {
  for (const char* name : {"a", "a/b.c", ".well-known/x", "a./b"}) EXPECT_TRUE(is_shown(name)) << name;
  for (const char* name : {"", ".a", "a/.b", "a/.git/b", ".well-known/.x", "a/.well-known/x", "a//b", "a/"})
    EXPECT_FALSE(is_shown(name)) << name;
}

TEST(FilePath, NamesAndPathsAreBounded) {
  const std::string longest(name_bytes_max, 'a');
  EXPECT_EQ(named("/" + longest), longest);
  EXPECT_EQ(named("/" + longest + "a"), "(none)");
  EXPECT_EQ(named("/" + longest + "a/b"), "(none)");
  std::string path;
  while (path.size() + 256 <= path_bytes_max) path += "/" + longest;
  path += "/" + std::string(path_bytes_max - path.size(), 'b');
  EXPECT_EQ(path.size(), path_bytes_max + 1);
  EXPECT_EQ(named(path), path.substr(1));
  EXPECT_EQ(named(path + "b"), "(none)");
  EXPECT_EQ(named(path + "/"), path.substr(1) + "/");
}

}  // namespace
}  // namespace gatehouse::files
