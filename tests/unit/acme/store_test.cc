#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "acme/key.h"
#include "acme/store_io.h"
#include "tests/unit/net/scratch_folder.h"
#include "tests/unit/net/test_certificates.h"

namespace gatehouse::acme {
namespace {

using test::day;
using test::noon;

class StoreOf : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.open()); }
  mode_t mode(const std::string& file) const {
    struct stat found{};
    return ::stat((folder_.path() + "/acme/" + file).c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
  }
  std::vector<KeptCertificate> load() {
    problems_.clear();
    return store_.load(noon, problems_);
  }

  ScratchFolder folder_;
  Store store_{folder_.path() + "/acme"};
  std::vector<std::string> problems_;
};

TEST_F(StoreOf, AnAccountsKeyComesFirstAndItsUrlAfter) {
  const std::string ca = "https://ca.test/../dir";
  EXPECT_EQ(store_.account(ca)->key_pem, "");
  ASSERT_TRUE(store_.save_account_key(ca, "KEY"));
  EXPECT_EQ(store_.account(ca)->key_pem, "KEY");
  EXPECT_EQ(store_.account(ca)->url, "");
  ASSERT_TRUE(store_.save_account_url(ca, "https://ca.test/acct/1"));
  EXPECT_EQ(store_.account(ca)->url, "https://ca.test/acct/1");
  EXPECT_EQ(store_.account("https://other.test/dir")->key_pem, "");
  EXPECT_EQ(mode("accounts/ca.test_.._dir/account.key"), 0600);
}

TEST_F(StoreOf, AnAccountsNextKeyLiesBesideTheOneInUseUntilItIsDropped) {
  const std::string ca = "https://ca.test/dir";
  ASSERT_TRUE(store_.save_account_key(ca, "KEY"));
  EXPECT_EQ(store_.account(ca)->next_key_pem, "");
  ASSERT_TRUE(store_.save_next_account_key(ca, "NEXT"));
  EXPECT_EQ(store_.account(ca)->key_pem, "KEY");
  EXPECT_EQ(store_.account(ca)->next_key_pem, "NEXT");
  EXPECT_EQ(mode("accounts/ca.test_dir/next.key"), 0600);
  store_.drop_next_account_key(ca);
  EXPECT_EQ(store_.account(ca)->next_key_pem, "");
  EXPECT_EQ(store_.account(ca)->key_pem, "KEY");
}

TEST_F(StoreOf, TheNewestCertificateThatCanBeUsedIsTheOneAndFourStay) {
  for (int i = 0; i < 6; ++i) {
    const test::Pair pair = test::make_pair({.not_after = noon + (i + 1) * day});
    ASSERT_TRUE(store_.save_certificate("a.test", pair.key, pair.crt));
  }
  auto kept = load();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].certificate->not_after, noon + 6 * day);
  EXPECT_EQ(mode("certificates/a.test/0006.pem"), 0600);
  EXPECT_EQ(mode("certificates/a.test"), 0700);
  EXPECT_EQ(mode("certificates/a.test/0003.pem"), 0600);
  EXPECT_EQ(mode("certificates/a.test/0002.pem"), 0) << "four stay";
  folder_.write("acme/certificates/a.test/0007.pem", "half a fi");
  kept = load();
  EXPECT_EQ(kept[0].certificate->not_after, noon + 6 * day) << "the one before";
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_NE(problems_[0].find("0007.pem"), std::string::npos);
}

TEST_F(StoreOf, WildcardsAndRecordsComeBackAndStrangeFilesDont) {
  Record record;
  record.order_url = "https://ca.test/order/1";
  ASSERT_TRUE(store_.save("*.a.test", record));
  ASSERT_TRUE(store_.save_next_key("*.a.test", "KEY"));
  std::filesystem::create_directory(folder_.path() + "/acme/certificates/no name");
  const auto kept = load();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].name, "*.a.test");
  EXPECT_EQ(kept[0].record, record);
  EXPECT_EQ(store_.next_key("*.a.test"), "KEY");
  EXPECT_EQ(mode("certificates/+.a.test/next.key"), 0600);
  const test::Pair pair = test::make_pair({});
  ASSERT_TRUE(store_.save_certificate("*.a.test", pair.key, pair.crt));
  EXPECT_EQ(store_.next_key("*.a.test"), "") << "it is the certificate's now";
  store_.forget("*.a.test");
  EXPECT_TRUE(load().empty());
}

}  // namespace
}  // namespace gatehouse::acme
