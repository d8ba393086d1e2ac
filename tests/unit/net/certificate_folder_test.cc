#include <gtest/gtest.h>
#include <unistd.h>

#include "net/certificate_folder_io.h"
#include "tests/unit/net/scratch_folder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse {
namespace {

using namespace test;
namespace fs = std::filesystem;

class CertificateFolderTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const Pair& pair, int key_mode = 0600) {
    scratch_.write(name + ".crt", pair.crt, 0644);
    scratch_.write(name + ".key", pair.key, key_mode);
  }
  CertificateFolder::Reading read(WallTime now = noon) { return folder_.read(now, assigned_); }
  std::string file(const std::string& name) const { return scratch_.path(name); }
  static std::vector<std::string> names(const CertificateFolder::Reading& reading) {
    std::vector<std::string> out;
    for (const auto& entry : reading.certificates) out.push_back(entry.name + " " + entry.certificate->names.front());
    return out;
  }
  using Names = std::vector<std::string>;
  using Problems = std::vector<FileProblem>;

  ScratchFolder scratch_;
  CertificateFolder folder_{scratch_.path()};
  CertificateFolder::Assigned assigned_;
};

TEST_F(CertificateFolderTest, ReadsEveryPairSortedByName) {
  put("b", make_pair({.names = {"DNS:b.test"}}));
  put("a", make_pair({.names = {"DNS:a.test"}}));
  scratch_.write("README", "not a certificate");
  scratch_.write(".hidden.crt", "not looked at");
  const auto reading = read();
  EXPECT_EQ(names(reading), (Names{"a a.test", "b b.test"}));
  EXPECT_EQ(reading.problems, Problems{});
  EXPECT_TRUE(reading.changed);
}

TEST_F(CertificateFolderTest, UnchangedContentIsTheSameObject) {
  const Pair pair = make_pair();
  put("a", pair);
  const auto first = read();
  put("a", pair);  // written anew, with equal bytes
  const auto second = read();
  EXPECT_FALSE(second.changed);
  EXPECT_EQ(first.certificates.at(0).certificate, second.certificates.at(0).certificate);
}

TEST_F(CertificateFolderTest, ANewPairReplacesTheOldOne) {
  put("a", make_pair({.names = {"DNS:old.test"}}));
  read();
  put("a", make_pair({.names = {"DNS:new.test"}}));
  const auto reading = read();
  EXPECT_TRUE(reading.changed);
  EXPECT_EQ(names(reading), Names{"a new.test"});
}

TEST_F(CertificateFolderTest, ABadPairKeepsTheGoodOneUnderItsName) {
  put("a", make_pair({.names = {"DNS:old.test"}}));
  read();
  const Pair fresh = make_pair({.names = {"DNS:new.test"}});
  scratch_.write("a.crt", fresh.crt);  // half of a change: the key is still the old one
  const auto half = read();
  EXPECT_FALSE(half.changed);
  EXPECT_EQ(names(half), Names{"a old.test"});
  EXPECT_EQ(half.problems,
            (Problems{{file("a.crt"), "the key does not match the certificate; the one before stays"}}));
  scratch_.write("a.key", fresh.key);
  EXPECT_EQ(names(read()), Names{"a new.test"});
  put("a", make_pair({.names = {"DNS:a.test"}, .not_after = noon}));
  const auto expired = read();
  EXPECT_EQ(names(expired), Names{"a new.test"});
  EXPECT_EQ(expired.problems,
            (Problems{{file("a.crt"), "expired on 2027-01-15 08:00:00 UTC; the one before stays"}}));
}

TEST_F(CertificateFolderTest, ABadPairDoesNotHideTheOthers) {
  put("a", {"junk", "junk"});
  put("b", make_pair({.names = {"DNS:b.test"}}));
  const auto reading = read();
  EXPECT_EQ(names(reading), Names{"b b.test"});
  EXPECT_EQ(reading.problems, (Problems{{file("a.crt"), "the certificate cannot be read: no start line"}}));
}

TEST_F(CertificateFolderTest, AMissingHalfIsTold) {
  put("a", make_pair({.names = {"DNS:a.test"}}));
  put("b", make_pair({.names = {"DNS:b.test"}}));
  read();
  fs::remove(file("a.key"));
  fs::remove(file("b.crt"));
  scratch_.write("c.key", "orphan");
  const auto reading = read();
  EXPECT_EQ(names(reading), (Names{"a a.test", "b b.test"}));
  EXPECT_EQ(reading.problems, (Problems{{file("c.key"), "there is no c.crt", true},
                                        {file("a.key"), "No such file or directory; the one before stays"},
                                        {file("b.crt"), "No such file or directory; the one before stays"}}));
}

TEST_F(CertificateFolderTest, ARemovedPairStaysWhileNothingElseCoversItsNames) {
  put("a", make_pair({.names = {"DNS:a.test", "DNS:*.off.test", "IP:192.0.2.7"}}));
  put("b", make_pair({.names = {"DNS:b.test"}}));
  read();
  fs::remove(file("a.key"));
  fs::remove(file("a.crt"));
  const auto gone = read();
  EXPECT_FALSE(gone.changed);
  EXPECT_EQ(names(gone), (Names{"a a.test", "b b.test"}));
  EXPECT_EQ(gone.problems,
            (Problems{{file("a.crt"), "is gone, and nothing else serves its names; it stays in use"}}));
  put("c", make_pair({.names = {"DNS:c.test", "DNS:a.test", "DNS:*.off.test"}}));
  EXPECT_EQ(names(read()), (Names{"a a.test", "b b.test", "c c.test"})) << "its address is covered by none";
  put("c", make_pair({.names = {"DNS:c.test", "DNS:a.test", "DNS:*.off.test", "IP:192.0.2.7"}}));
  const auto covered = read();
  EXPECT_TRUE(covered.changed);
  EXPECT_EQ(names(covered), (Names{"b b.test", "c c.test"}));
  EXPECT_EQ(covered.problems, Problems{});
}

TEST_F(CertificateFolderTest, ARemovedPairStaysWhileItIsAssignedAndIsQuietOnceBack) {
  assigned_["a"] = {"a.test"};
  const Pair pair = make_pair();
  put("a", pair);
  put("b", make_pair({.names = {"DNS:a.test"}}));
  read();
  fs::remove(file("a.key"));
  fs::remove(file("a.crt"));
  EXPECT_EQ(read().problems.size(), 1u);
  EXPECT_EQ(names(read()), (Names{"a a.test", "b a.test"}));
  put("a", pair);
  EXPECT_EQ(read().problems, Problems{});
  fs::remove(file("a.key"));
  fs::remove(file("a.crt"));
  assigned_.clear();
  EXPECT_EQ(names(read()), Names{"b a.test"});
}

TEST_F(CertificateFolderTest, AnEmptyOrVanishedFolderTakesNothingAway) {
  put("a", make_pair());
  read();
  fs::remove(file("a.key"));
  fs::remove(file("a.crt"));
  const auto empty = read();
  EXPECT_EQ(names(empty), Names{"a a.test"});
  EXPECT_EQ(empty.problems, (Problems{{scratch_.path(), "holds no certificate any more; the last good ones stay"}}));
  fs::remove(scratch_.path());
  const auto vanished = read();
  EXPECT_EQ(names(vanished), Names{"a a.test"});
  EXPECT_EQ(vanished.problems, (Problems{{scratch_.path(), "No such file or directory"}}));
}

TEST_F(CertificateFolderTest, AKeyThatOthersCanReadIsRefused) {
  const Pair pair = make_pair();
  for (const int mode : {0604, 0602, 0601}) {
    put("a", pair, mode);
    const auto reading = read();
    EXPECT_EQ(names(reading), Names{});
    EXPECT_EQ(
        reading.problems,
        (Problems{{file("a.key"), "every user of this machine can get at it; run: chmod o-rwx " + file("a.key")}}));
  }
}

TEST_F(CertificateFolderTest, AKeyOpenToItsGroupIsUsedWithAWarningUnlessTheGroupIsOurs) {
  const Pair pair = make_pair();
  put("a", pair, 0640);
  EXPECT_EQ(read().problems, Problems{}) << "the usual root:gatehouse 0640";
  put("a", pair, 0660);
  const auto writable = read();
  EXPECT_EQ(names(writable), Names{"a a.test"});
  EXPECT_EQ(writable.problems,
            (Problems{{file("a.key"), "its group can write it; run: chmod g-w " + file("a.key"), true}}));
  put("a", pair, 0640);
  if (::geteuid() != 0) return;  // only root gives a file to a stranger's group
  ASSERT_EQ(::chown(file("a.key").c_str(), 0, 54321), 0);
  EXPECT_EQ(
      read().problems,
      (Problems{{file("a.key"), "a group that we are not in can read it; run: chmod g-r " + file("a.key"), true}}));
}

TEST_F(CertificateFolderTest, AGoodPairThatExpiresMeanwhileIsServedAndTold) {
  put("a", make_pair());
  read();
  const auto later = read(noon + 90 * day);
  EXPECT_EQ(names(later), Names{"a a.test"});
  EXPECT_EQ(later.problems,
            (Problems{{file("a.crt"), "has expired; it is served until there is a better one", true}}));
}

TEST_F(CertificateFolderTest, APairThatDoesNotCoverItsAssignedHostDoesNotReplaceAGoodOne) {
  assigned_ = {{"bank", {"learn.bank.example", "*.off.example"}}};
  put("bank", make_pair({.names = {"DNS:learn.bank.example", "DNS:*.off.example"}}));
  EXPECT_EQ(read().problems, Problems{});
  put("bank", make_pair({.names = {"DNS:learn.bank.example", "DNS:a.off.example"}}));
  const auto reading = read();
  EXPECT_FALSE(reading.changed);
  EXPECT_EQ(reading.problems, (Problems{{file("bank.crt"),
                                         "does not cover *.off.example, which it is assigned to; "
                                         "the one before stays"}}));
  EXPECT_TRUE(reading.certificates.at(0).certificate->covers("x.off.example"));
}

TEST_F(CertificateFolderTest, FollowsSymlinks) {
  const Pair pair = make_pair();
  fs::create_directory(file("..v1"));
  scratch_.write("..v1/a.crt", pair.crt), scratch_.write("..v1/a.key", pair.key);
  fs::create_directory_symlink("..v1", file("..data"));
  fs::create_symlink("..data/a.crt", file("a.crt"));
  fs::create_symlink("..data/a.key", file("a.key"));
  EXPECT_EQ(names(read()), Names{"a a.test"});
}

TEST_F(CertificateFolderTest, ReadsNoMoreThanItsLimit) {
  for (const char* name : {"a", "b", "c"}) put(name, make_pair({.names = {std::string("DNS:") + name}}));
  EXPECT_EQ(CertificateFolder(scratch_.path(), 3).read(noon).problems, Problems{});
  const auto reading = CertificateFolder(scratch_.path(), 2).read(noon);
  EXPECT_EQ(names(reading), (Names{"a a", "b b"}));
  EXPECT_EQ(reading.problems, (Problems{{scratch_.path(), "more than 2 certificates; those after are not read"}}));
}

}  // namespace
}  // namespace gatehouse
