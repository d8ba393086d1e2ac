// The examples that people copy, and the operators' files of the deployments, read without a word.
#include <algorithm>
#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "conf/check.h"
#include "conf/config_keys.h"
#include "conf/reader_io.h"
#include "conf/service_keys.h"
#include "tests/unit/conf/reading_text.h"

namespace gatehouse::conf {
namespace {

const std::string source = GATEHOUSE_SOURCE;

ReadConfig read_example(const std::string& file) {
  ReadConfig read = read_config(source + "/" + file, surroundings_of_process(source + "/" + file));
  EXPECT_EQ(texts(read.findings), std::vector<std::string>{}) << file;
  EXPECT_EQ(texts(check_config(read)), std::vector<std::string>{}) << file;
  return read;
}

TEST(Examples, AllReadWithoutAFinding) {
  unsigned seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source + "/conf/examples"))
    if (entry.path().extension() == ".yaml") read_example(std::filesystem::relative(entry.path(), source)), ++seen;
  EXPECT_GE(seen, 3u);
}

void expect_given(const std::vector<KeyRow>& rows, const std::string& within, const std::vector<std::string>& given) {
  for (const KeyRow& row : rows) {
    const auto is_it = [&](const std::string& path) {
      return path == within + row.name || (path.starts_with(within) && path.ends_with("." + row.name));
    };
    EXPECT_TRUE(std::any_of(given.begin(), given.end(), is_it)) << within << row.name;
    const bool named = row.inner_path != "." && row.inner_path != "[].";  // by a host, a service …
    expect_given(row.inner, within + row.name + (named ? "" : "."), given);
  }
}

TEST(Examples, TheFullOneGivesEveryKey) {
  const ReadConfig read = read_example("conf/examples/full.yaml");
  std::vector<std::string> given;
  for (const auto& [path, at] : read.positions)
    given.push_back(std::regex_replace(path, std::regex(R"(\[\d+\])"), ""));
  expect_given(config_form().inner, "", given);
  for (const ServiceKey& key : service_keys()) {
    const bool said = std::any_of(read.config.services.begin(), read.config.services.end(),
                                  [&](const auto& service) { return service.second.settings.contains(key.name); });
    EXPECT_EQ(said, key.carried) << key.name;
  }
}

TEST(Examples, TheDemoListensOnHighPortsForAnOrdinaryUser) {
  const Config demo = read_example("conf/examples/demo/gatehouse.yaml").config;
  ASSERT_EQ(demo.listen.size(), 2u);
  EXPECT_EQ(demo.listen[0].address.text(), "[::]:8080");
  EXPECT_EQ(demo.listen[1].address.text(), "[::]:8443");
  EXPECT_TRUE(demo.listen[1].tls);
  EXPECT_EQ(demo.access_log.to, "/var/log/gatehouse/access.log");  // or in $LOGS_DIRECTORY, which ./dev run sets
  EXPECT_EQ(demo.catalog.files, source + "/conf/examples/demo/services");
  for (const auto& [name, layer] : demo.services)
    for (const Setting& page : layer.settings.at("pages")) {
      const std::string file = page.value.substr(page.value.find(':') + 1);
      EXPECT_TRUE(std::filesystem::exists(file)) << file;
    }
}

TEST(Examples, TheOpencraftDoorReads) {
  const Config door = read_example("tests/system/deployments/opencraft/gatehouse.yaml").config;
  EXPECT_EQ(door.node.name, "fd1");
  EXPECT_EQ(door.catalog.permit_hosts.size(), 3u);
  EXPECT_EQ(door.hosts.at("learn.bank.example").allow.size(), 2u);
  EXPECT_EQ(door.services.at("*").settings.at("pages").size(), 2u);
}

TEST(Examples, TheDoorsOfForeignCatalogsRead) {
  EXPECT_EQ(read_example("tests/system/deployments/openedx/gatehouse.yaml").config.catalog.spellings,
            (std::vector<std::string>{"native", "traefik"}));
  EXPECT_EQ(read_example("tests/system/deployments/orocloud/gatehouse.yaml").config.catalog.spellings,
            (std::vector<std::string>{"native", "fabio"}));
}

TEST(ReaderIo, SaysWhyAFileCannotBeRead) {
  const auto why = [](const std::string& file) {
    const ReadConfig read = read_config(file, {});
    return read.findings.empty() ? "" : read.findings[0].text();
  };
  EXPECT_EQ(why("/nowhere/gatehouse.yaml"), "/nowhere/gatehouse.yaml: No such file or directory");
  EXPECT_EQ(why("/dev/null"), "/dev/null: not a regular file");
  EXPECT_EQ(why("/"), "/: not a regular file");
}

TEST(ReaderIo, ReadsOneMiBAndNotAByteMore) {
  const std::string file = testing::TempDir() + "gatehouse_reader_io.yaml";
  const auto findings_with = [&](std::size_t bytes) {
    FILE* out = std::fopen(file.c_str(), "w");
    const std::string text = "#" + std::string(bytes - 1, 'x');
    std::fwrite(text.data(), 1, text.size(), out);
    std::fclose(out);
    return texts(read_config(file, surroundings_of_process(file)).findings);
  };
  EXPECT_EQ(findings_with(yaml_bytes_max), std::vector<std::string>{});
  EXPECT_EQ(findings_with(yaml_bytes_max + 1), std::vector<std::string>{file + ": larger than 1024 KiB"});
  std::filesystem::remove(file);
}

TEST(ReaderIo, KnowsTheFolderOfTheFileAndTheUnitsFolders) {
  setenv("STATE_DIRECTORY", "/first:/second", 1);
  const Surroundings around = surroundings_of_process("some/where/gatehouse.yaml");
  unsetenv("STATE_DIRECTORY");
  EXPECT_EQ(around.folder, std::filesystem::current_path().string() + "/some/where");
  EXPECT_EQ(around.state_directory, "/first");
  EXPECT_EQ(surroundings_of_process("/gatehouse.yaml").folder, "/");
  EXPECT_FALSE(around.host_name.empty());
}

}  // namespace
}  // namespace gatehouse::conf
