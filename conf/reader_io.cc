#include "conf/reader_io.h"

#include <climits>
#include <cstdlib>
#include <filesystem>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/read_file.h"

namespace gatehouse::conf {
namespace {

bool may_bind_low_ports() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  return ::syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_NET_BIND_SERVICE)) != 0;
}

// systemd gives a list, "a:b", when a unit has several; the first is ours.
std::string first_folder(const char* variable) {
  const char* value = std::getenv(variable);
  const std::string folders = value == nullptr ? "" : value;
  return folders.substr(0, folders.find(':'));
}

}  // namespace

ReadConfig read_config(const std::string& file, const Surroundings& around) {
  const Result<FileContent> content = read_file(file, yaml_bytes_max);
  if (content) return read_config_text(content->bytes, file, around);
  return {.findings = {{.at = {}, .path = "", .what = content.error().what}}};  // names the file
}

Surroundings surroundings_of_process(const std::string& file) {
  Surroundings around;
  std::error_code error;
  around.folder = std::filesystem::absolute(file, error).parent_path().lexically_normal().string();
  if (error || around.folder.empty()) around.folder = "/";
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0') around.host_name = name;
  around.low_ports = may_bind_low_ports();
  around.state_directory = first_folder("STATE_DIRECTORY");
  around.runtime_directory = first_folder("RUNTIME_DIRECTORY");
  around.logs_directory = first_folder("LOGS_DIRECTORY");
  return around;
}

}  // namespace gatehouse::conf
