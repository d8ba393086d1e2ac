#include "cli/asking.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <unistd.h>

#include "cli/admin_client_io.h"
#include "cli/text.h"
#include "conf/config_keys.h"
#include "conf/reader_io.h"
#include "net/read_file.h"

namespace gatehouse::cli {
namespace {

Result<std::string> socket_by_file(const std::string& file) {
  const Result<FileContent> content = read_file(file, conf::yaml_bytes_max);
  if (!content) return invalid(content.error().what + "\nit would tell the admin socket; say --socket instead");
  return conf::admin_socket_in(content->bytes, conf::surroundings_of_process(file));
}

}  // namespace

Result<std::string> socket_of(const Where& where) {
  if (!where.socket.empty()) return where.socket;
  if (!where.config.empty()) return socket_by_file(where.config);
  if (const char* socket = std::getenv("GATEHOUSE_SOCKET"); socket != nullptr && *socket != '\0')
    return std::string(socket);
  if (::access(usual_config, R_OK) == 0) return socket_by_file(usual_config);
  return conf::default_config(conf::surroundings_of_process(usual_config)).admin.socket;
}

std::optional<HttpReply> ask_door(const Where& where, const std::string& method, const std::string& target) {
  const Result<std::string> socket = socket_of(where);
  Result<HttpReply> reply = socket ? ask(*socket, method, target) : socket.error();
  if (reply) return std::move(*reply);
  std::cerr << reply.error().what << "\n";
  return std::nullopt;
}

std::optional<HttpReply> ask_door_well(const Where& where, const std::string& method, const std::string& target) {
  std::optional<HttpReply> reply = ask_door(where, method, target);
  if (!reply || reply->status == 200) return reply;
  std::cerr << reply->body;
  return std::nullopt;
}

std::optional<json::object> parse_object(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (!failed && value.is_object()) return std::move(value.as_object());
  std::cerr << "the answer is not what was expected; is this gatehouse older than the one that runs?\n";
  return std::nullopt;
}

bool is_terminal() {
  const char* no_colour = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace gatehouse::cli
