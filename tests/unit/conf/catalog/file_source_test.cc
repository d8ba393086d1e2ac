#include "conf/catalog/file_source.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/catalog/file_source_io.h"
#include "conf/config.h"

namespace gatehouse::catalog {
namespace {

namespace fs = std::filesystem;

const Home home{.datacenter = "dc1", .node = "fd1"};

std::string service(const std::string& name, const std::string& more = "") {
  return "{\"service\": {\"name\": \"" + name + "\"" + more + "}}";
}

std::vector<std::string> ids(const SourceState& state) {
  std::vector<std::string> out;
  for (const conf::Instance& instance : state.instances) out.push_back(instance.id);
  return out;
}

std::vector<std::string> told(const SourceState& state) {
  std::vector<std::string> out;
  for (const conf::Finding& finding : state.findings) out.push_back(finding.text());
  return out;
}

using Ids = std::vector<std::string>;

TEST(FileSource, InstancesComeInTheOrderOfTheFiles) {
  FileSource source(home);
  EXPECT_EQ(ids(source.update({.files = {{"a.json", service("z")}, {"b.json", service("a")}}})), (Ids{"z", "a"}));
}

TEST(FileSource, ABrokenFileKeepsItsLastGoodContent) {
  FileSource source(home);
  source.update({.files = {{"a.json", service("a")}, {"b.json", service("b")}}});
  const Folder broken{.files = {{"a.json", "{\"service\": {"}, {"b.json", service("b2")}}};
  const SourceState state = source.update(broken);
  EXPECT_EQ(ids(state), (Ids{"a", "b2"}));
  EXPECT_EQ(told(state), (Ids{"a.json:1:14: not JSON: ends before all brackets and quotes are closed",
                              "a.json: warning: its last good content stays in force until a restart"}));
  EXPECT_EQ(told(source.update(broken)), told(state)) << "and goes on saying so";
  EXPECT_TRUE(source.update({.files = {{"a.json", service("a3")}, {"b.json", service("b2")}}}).findings.empty());
}

TEST(FileSource, AFileThatNeverWasGoodGivesNothing) {
  FileSource source(home);
  const SourceState state = source.update({.files = {{"a.json", "{"}, {"b.json", service("b")}}});
  EXPECT_EQ(ids(state), (Ids{"b"}));
  EXPECT_EQ(state.findings.size(), 1u);
}

TEST(FileSource, AFileThatCannotBeReadOrIsEmptiedGoesOnAsItWas) {
  FileSource source(home);
  source.update({.files = {{"a.json", service("a")}}});
  EXPECT_EQ(ids(source.update({.files = {{"a.json", "", "can't be opened: Permission denied"}}})), (Ids{"a"}));
  const SourceState emptied = source.update({.files = {{"a.json", ""}}});
  EXPECT_EQ(ids(emptied), (Ids{"a"}));
  EXPECT_EQ(told(emptied).back(), "a.json: warning: its last good content stays in force until a restart");
  EXPECT_EQ(ids(source.update({.files = {{"a.json", "{}"}}})), Ids{});
}

TEST(FileSource, ACheckThatCouldNeverPassDoesNotReplaceWhatWasGood) {
  const std::string bad = R"(, "check": {"http": "10.0.0.1:8000/up", "interval": "5s"})";
  FileSource source(home);
  source.update({.files = {{"a.json", service("a")}}});
  const SourceState state = source.update({.files = {{"a.json", service("b", bad)}}});
  EXPECT_EQ(ids(state), (Ids{"a"}));
  EXPECT_EQ(told(state), (Ids{"a.json:1:37: service.check.http: 10.0.0.1:8000/up: write a URL, as in "
                              "http://10.0.0.1:8000/up; the check never passes",
                              "a.json: warning: its last good content stays in force until a restart"}));
  FileSource fresh(home);
  EXPECT_EQ(ids(fresh.update({.files = {{"a.json", service("b", bad)}}})), (Ids{"b"})) << "Consul accepts it";
  EXPECT_EQ(ids(fresh.update({.files = {{"a.json", service("c", bad)}}})), (Ids{"c"})) << "nothing was good before";
}

TEST(FileSource, AFileThatIsGoneIsGone) {
  FileSource source(home);
  source.update({.files = {{"a.json", service("a")}, {"b.json", service("b")}}});
  const SourceState state = source.update({.files = {{"b.json", service("b")}}});
  EXPECT_EQ(ids(state), (Ids{"b"}));
  EXPECT_TRUE(state.findings.empty());
}

TEST(FileSource, AFolderThatIsGoneOrHasNoDefinitionsLeftKeepsAll) {
  FileSource source(home);
  source.update({.files = {{"a.json", service("a")}}});
  const SourceState empty = source.update({});
  EXPECT_EQ(ids(empty), (Ids{"a"}));
  EXPECT_EQ(told(empty),
            (Ids{"catalog.files: the folder of the catalog has no definitions left; the last good state stays "
                 "in force until a restart"}));
  const SourceState gone = source.update({.failure = "services: can't be read: No such file or directory"});
  EXPECT_EQ(ids(gone), (Ids{"a"}));
  EXPECT_EQ(told(gone), (Ids{"catalog.files: services: can't be read: No such file or directory; the last good state "
                             "stays in force until a restart"}));
  EXPECT_EQ(ids(source.update({.files = {{"none.json", "{\"services\": []}"}}})), Ids{});
}

TEST(FileSource, TheUsualFolderMayBeAbsentAndAnotherMayNot) {
  if (fs::exists(conf::CatalogSource{}.files)) GTEST_SKIP() << "this machine has it";
  const std::string usual = conf::CatalogSource{}.files;
  FileSource source(home);
  const SourceState state = source.update(read_folder(usual, usual));
  EXPECT_FALSE(conf::has_error(state.findings));
  EXPECT_EQ(told(state), (Ids{usual + ": warning: there is no such folder: no services come from it"}));
  EXPECT_TRUE(conf::has_error(source.update(read_folder("/nowhere", "/nowhere")).findings));
}

TEST(FileSource, ANameThatBeginsWithADotIsNotRead) {
  const fs::path folder = fs::temp_directory_path() / ("gatehouse_dots_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  fs::create_symlink("somebody@here.4711", folder / ".#shop.json");  // Emacs' lock
  std::ofstream(folder / ".hidden.json") << service("hidden");
  std::ofstream(folder / "shop.json") << service("shop");
  FileSource source(home);
  const SourceState state = source.update(read_folder(folder.string(), "services"));
  fs::remove_all(folder);
  EXPECT_EQ(ids(state), (Ids{"shop"}));
  EXPECT_EQ(told(state), Ids{});
}

TEST(FileSource, ANodeThatIsRenamedRenamesItsInstances) {
  FileSource source(home);
  const Folder folder{.files = {{"a.json", service("a")}}};
  EXPECT_EQ(source.update(folder).instances[0].node, "fd1");
  source.set_home({.datacenter = "dc2", .node = "fd2"});
  const SourceState renamed = source.update(folder);
  EXPECT_EQ(renamed.instances[0].node, "fd2");
  EXPECT_EQ(renamed.instances[0].datacenter, "dc2");
  const SourceState broken = source.update({.files = {{"a.json", "{"}}});
  EXPECT_EQ(ids(broken), (Ids{"a"}));
}

TEST(FileSource, AnEmptyFolderAtTheStartIsFine) {
  FileSource source(home);
  EXPECT_TRUE(source.update({}).findings.empty());
}

TEST(FileSource, OfTwoWithTheSameIdTheLaterStands) {
  FileSource source(home);
  const SourceState state = source.update({.files = {{"a.json", service("web", ", \"id\": \"x\", \"port\": 1")},
                                                     {"b.json", service("web", ", \"id\": \"x\", \"port\": 2")}}});
  ASSERT_EQ(state.instances.size(), 1u);
  EXPECT_EQ(state.instances[0].port, 2);
  EXPECT_EQ(told(state), (Ids{"b.json:1:2: web: the id x is also at a.json:1; this one stands, give each its own"}));
}

std::vector<std::string> check_ids(const SourceState& state, std::string_view id) {
  for (const conf::Instance& instance : state.instances) {
    if (instance.id != id) continue;
    std::vector<std::string> out;
    for (const conf::HealthCheck& check : instance.checks) out.push_back(check.id);
    return out;
  }
  return {"no such instance"};
}

TEST(FileSource, LooseChecksGoToTheirServiceOrToAll) {
  FileSource source(home);
  const SourceState state =
      source.update({.files = {{"a.json", service("a")}, {"b.json", service("b")}, {"c.json", R"({"checks": [
      {"id": "of-a", "service_id": "a", "ttl": "5s"}, {"name": "of the node", "ttl": "5s"}, {"id": "x", "service_id": "nobody", "ttl": "5s"}]})"}}});
  EXPECT_EQ(check_ids(state, "a"), (Ids{"of-a", "of the node"}));
  EXPECT_EQ(check_ids(state, "b"), (Ids{"of the node"}));
  EXPECT_EQ(told(state), (Ids{"c.json:2:93: warning: x: no service has the id nobody; left out"}));
}

TEST(FileSource, AnAliasIsTheChecksOfWhatItPointsAt) {
  FileSource source(home);
  const SourceState state = source.update(
      {.files = {
           {"a.json", service("a", R"(, "check": {"id": "al", "alias_service": "b"})")},
           {"b.json",
            service("b", R"(, "checks": [{"id": "own", "ttl": "5s"}, {"id": "back", "alias_service": "a"}])")},
           {"c.json", R"({"check": {"id": "loose", "service_id": "b", "ttl": "5s"}})"},
           {"d.json",
            service(
                "d",
                R"(, "checks": [{"alias_service": "nobody"}, {"alias_node": "other"}, {"alias_node": "FD1"}])")}}});
  EXPECT_EQ(check_ids(state, "a"), (Ids{"al/own", "al/loose"}));
  EXPECT_EQ(check_ids(state, "b"), (Ids{"own", "loose"}));
  EXPECT_EQ(check_ids(state, "d"), Ids{});
  EXPECT_EQ(told(state), (Ids{"d.json:1:2: warning: d: alias_service: no service has the id nobody; left out",
                              "d.json:1:2: warning: d: alias_node other: another node is not known here; left out"}));
}

class ReadFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "gatehouse-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  Folder read() const { return read_folder(folder_.string(), "services"); }

  fs::path folder_;
};

TEST_F(ReadFolder, DefinitionsByNameWithLinksFollowed) {
  fs::create_directory(folder_ / "sub");
  write("sub/inner.json", "{\"inner\"}");
  write("sub/plain", "x");
  write("b.json", "B");
  write("a.json", "A");
  write("notes.txt", "x");
  write("old.hcl", "x");
  fs::create_symlink("sub/inner.json", folder_ / "c.json");
  fs::create_symlink("sub/plain", folder_ / "d.json");
  fs::create_symlink("nowhere", folder_ / "e.json");
  ASSERT_EQ(::mkfifo((folder_ / "f.json").c_str(), 0600), 0);
  const Folder folder = read();
  EXPECT_EQ(folder.failure, "");
  ASSERT_EQ(folder.files.size(), 5u);
  EXPECT_EQ(folder.files[0].name, "services/a.json");
  EXPECT_EQ(folder.files[0].text, "A");
  EXPECT_EQ(folder.files[1].text, "B");
  EXPECT_EQ(folder.files[2].text, "{\"inner\"}");
  EXPECT_EQ(folder.files[3].failure, "the link leads nowhere");
  EXPECT_TRUE(folder.files[4].failure.ends_with("f.json: not a regular file")) << folder.files[4].failure;
  ASSERT_EQ(folder.findings.size(), 3u);
  EXPECT_EQ(folder.findings[0].text(), "services/d.json: warning: passed over: the name doesn't end in .json");
  EXPECT_EQ(folder.findings[1].text(), "services/notes.txt: warning: passed over: the name doesn't end in .json");
  EXPECT_EQ(folder.findings[2].text(),
            "services/old.hcl: HCL is not read; write the definitions as JSON, in a file that ends in .json");
}

TEST_F(ReadFolder, AMissingFolderIsAFailure) {
  EXPECT_EQ(read_folder((folder_ / "missing").string(), "services").failure,
            "services: can't be read: No such file or directory");
}

TEST_F(ReadFolder, AFileOverTheLimitIsAFailureOfThatFile) {
  write("a.json", std::string(file_bytes_max + 1, ' '));
  write("b.json", std::string(file_bytes_max, ' '));
  const Folder folder = read();
  ASSERT_EQ(folder.files.size(), 2u);
  EXPECT_TRUE(folder.files[0].failure.ends_with("a.json: larger than 16384 KiB")) << folder.files[0].failure;
  EXPECT_EQ(folder.files[1].text.size(), file_bytes_max);
}

}  // namespace
}  // namespace gatehouse::catalog
