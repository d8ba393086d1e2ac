#include "conf/catalog/snapshot_io.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::catalog {
namespace {

Snapshot of(const std::string& service) {
  conf::Instance instance;
  instance.service = instance.id = service;
  instance.node = "n1";
  instance.address = "10.0.0.1";
  return {{}, {{"consul", {instance}}}};
}

// A writer that ends has written.
void write(const ScratchFolder& folder, const Snapshot& snapshot) {
  SnapshotWriter writer(folder.path("catalog.json"), [](const std::string& what) { ADD_FAILURE() << what; });
  writer.write(snapshot);
}

std::string found(const ScratchFolder& folder) {
  const LoadedSnapshot loaded = load_snapshot(folder.path("catalog.json"));
  return loaded.snapshot.sources.empty() ? "" : loaded.snapshot.sources[0].instances[0].service;
}

TEST(SnapshotFiles, WhatIsWrittenIsFoundAgain) {
  const ScratchFolder folder;
  EXPECT_EQ(found(folder), "");
  write(folder, of("web"));
  EXPECT_EQ(found(folder), "web");
  struct stat status{};
  ASSERT_EQ(::stat(folder.path("catalog.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(SnapshotFiles, ThreeGenerationsAreKept) {
  const ScratchFolder folder;
  for (const char* service : {"a", "b", "c", "d"}) write(folder, of(service));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder.path())) ++files;
  EXPECT_EQ(files, 3u);
  EXPECT_EQ(folder.read("catalog.json"), snapshot_text(of("d")));
  EXPECT_EQ(folder.read("catalog.json.1"), snapshot_text(of("c")));
  EXPECT_EQ(folder.read("catalog.json.2"), snapshot_text(of("b")));
}

TEST(SnapshotFiles, TheSameIsNotWrittenAgain) {
  const ScratchFolder folder;
  write(folder, of("a"));
  write(folder, of("a"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("catalog.json.1")));
}

TEST(SnapshotFiles, ATornOneFallsBackToTheOneBeforeWithAWord) {
  const ScratchFolder folder;
  for (const char* service : {"a", "b", "c"}) write(folder, of(service));
  const std::string whole = folder.read("catalog.json");
  folder.write("catalog.json", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(found(folder), "b");
  LoadedSnapshot loaded = load_snapshot(folder.path("catalog.json"));
  EXPECT_EQ(loaded.file, folder.path("catalog.json.1"));
  ASSERT_EQ(loaded.troubles.size(), 1u);
  EXPECT_NE(loaded.troubles[0].find("torn or changed"), std::string::npos);
  folder.write("catalog.json.1", "");
  EXPECT_EQ(found(folder), "a");
  folder.write("catalog.json.2", "{}");
  EXPECT_EQ(found(folder), "");
  EXPECT_EQ(load_snapshot(folder.path("catalog.json")).troubles.size(), 3u);
}

TEST(SnapshotFiles, ATornOneTakesNoGoodGenerationsPlace) {
  const ScratchFolder folder;
  write(folder, of("a"));
  write(folder, of("b"));
  folder.write("catalog.json", "torn");
  write(folder, of("c"));
  EXPECT_EQ(folder.read("catalog.json"), snapshot_text(of("c")));
  EXPECT_EQ(folder.read("catalog.json.1"), snapshot_text(of("a")));
}

// No file may grow beyond a few bytes, as on a disk that is full.
class FullDisk {
 public:
  FullDisk() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = 10;
    ::setrlimit(RLIMIT_FSIZE, &small);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(SnapshotFiles, WritesThatFailTakeNoGenerationAndTheNextThatCanIsWritten) {
  const ScratchFolder folder;
  write(folder, of("a"));
  write(folder, of("b"));
  std::vector<std::string> told;
  {
    const FullDisk full;
    for (const char* service : {"c", "d", "e"}) {
      SnapshotWriter writer(folder.path("catalog.json"), [&](const std::string& what) { told.push_back(what); });
      writer.write(of(service));
    }
  }
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(found(folder), "b");
  write(folder, of("f"));
  EXPECT_EQ(folder.read("catalog.json"), snapshot_text(of("f")));
  EXPECT_EQ(folder.read("catalog.json.1"), snapshot_text(of("b")));
}

TEST(SnapshotFiles, OneThatWasRemovedIsWrittenAgain) {
  const ScratchFolder folder;
  write(folder, of("a"));
  write(folder, of("b"));
  std::filesystem::remove(folder.path("catalog.json"));
  write(folder, of("c"));
  EXPECT_EQ(found(folder), "c");
}

TEST(SnapshotFiles, AFolderThatTakesNothingIsTold) {
  const ScratchFolder folder;
  std::string told;
  {
    SnapshotWriter writer(folder.path("missing/catalog.json"), [&](const std::string& what) { told = what; });
    writer.write(of("web"));
  }
  EXPECT_NE(told.find("missing/catalog.json"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::catalog
