#include "cli/catalog_input.h"

#include <filesystem>

#include "net/local_addresses.h"
#include "net/read_file.h"

namespace gatehouse::cli {

catalog::Home home_of(const conf::Config& config) {
  catalog::Home home;
  home.datacenter = config.node.datacenter;
  home.node = config.node.name;
  return home;
}

std::string services_folder(const conf::Config& config, const conf::Positions& given) {
  const std::string& folder = config.catalog.files;
  std::error_code ignored;
  const bool wanted =
      config.catalog.consul.empty() || given.contains("catalog.files") || std::filesystem::exists(folder, ignored);
  return wanted ? folder : std::string();
}

catalog::TranslateInput translate_input(std::span<const conf::Instance> instances, const conf::Config& config) {
  catalog::TranslateInput input{instances, config};
  input.read_file = [](const std::string& path) -> Result<std::string> {
    Result<FileContent> file = read_file(path, conf::page_bytes_max);
    if (!file) return file.error();
    return std::move(file->bytes);
  };
  input.local_addresses = local_addresses();
  return input;
}

}  // namespace gatehouse::cli
