#include "net/log_writer.h"

#include <csignal>
#include <cstring>
#include <future>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/net/scratch_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

bool put(LogRing& ring, std::string_view line) {
  const auto room = ring.reserve(line.size());
  if (room.empty()) return false;
  std::memcpy(room.data(), line.data(), line.size());
  ring.commit(line.size());
  return true;
}

TEST(LogWriter, WritesWhatStandsInTheRingsBeforeItEnds) {
  const ScratchFolder folder;
  LogRing ring;
  {
    auto log = LogWriter::open(folder.path("log"));
    ASSERT_TRUE(log);
    (*log)->add(ring);
    put(ring, "one\n");
  }
  EXPECT_EQ(folder.read("log"), "one\n");
}

TEST(LogWriter, WritesToTheFileThatWasReopened) {
  const ScratchFolder folder;
  LogRing ring;
  {
    auto log = LogWriter::open(folder.path("log"));
    ASSERT_TRUE(log);
    (*log)->add(ring);
    ASSERT_EQ(::rename(folder.path("log").c_str(), folder.path("log.1").c_str()), 0);
    ASSERT_TRUE((*log)->reopen());
    put(ring, "after\n");
  }
  EXPECT_EQ(folder.read("log.1") + "|" + folder.read("log"), "|after\n");
}

// Files take no byte beyond these, as if the disk were full. Puts it back at its end.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &usual_);
    const rlimit short_of{bytes, usual_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &short_of);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &usual_);
    std::signal(SIGXFSZ, signal_);
  }
  FullDisk(const FullDisk&) = delete;

 private:
  void (*signal_)(int);
  rlimit usual_{};
};

TEST(LogWriter, ALineThatAFullDiskCutIsEndedBeforeTheNextOne) {
  const ScratchFolder folder;
  LogRing ring;
  put(ring, "first\n");
  put(ring, "second one\n");
  auto log = LogWriter::open(folder.path("log"));
  ASSERT_TRUE(log);
  {
    const FullDisk disk(12);
    (*log)->add(ring);
    while ((*log)->failed_writes() == 0) std::this_thread::yield();
  }
  put(ring, "third\n");
  put(ring, "fourth\n");
  log->reset();
  EXPECT_EQ(folder.read("log"), "first\nsecond\nthird\nfourth\n");
}

TEST(LogWriter, APipeThatNobodyReadsKeepsNobodyWaiting) {
  const ScratchFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  LogRing ring(1 << 17);  // more than a pipe holds
  auto log = LogWriter::open(path);
  ASSERT_TRUE(log);
  (*log)->add(ring);
  const std::string line(999, 'x');
  const auto fill = [&] {
    while (put(ring, line)) (*log)->nudge();
  };
  // As a worker does, until the pipe is full and the ring too. It comes back however long nobody reads.
  auto filled = std::async(std::launch::async, [&] {
    for (int i = 0; i < 1000; ++i) fill();
    (*log)->nudge();
    return static_cast<bool>((*log)->reopen());
  });
  EXPECT_EQ(filled.wait_for(30s), std::future_status::ready);
  EXPECT_GT(ring.used(), 0u);
  log->reset();  // and it ends, too
}

TEST(LogWriter, APipeWithoutAReaderIsAnError) {
  const ScratchFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(LogWriter::open(folder.path("pipe")));
}

}  // namespace
}  // namespace gatehouse
