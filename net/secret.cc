#include "net/secret.h"

#include <cstdlib>

#include "net/read_file.h"

namespace gatehouse {
namespace {

constexpr std::size_t bytes_most = 64 << 10;

std::string trimmed(const std::string& text) {
  constexpr const char* blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

Result<std::string> read_secret(const Secret& secret) {
  if (!secret.env.empty()) {
    const char* value = std::getenv(secret.env.c_str());
    if (value == nullptr) return invalid("the environment has no " + secret.env);
    return trimmed(value);
  }
  if (secret.file.empty()) return std::string();
  const Result<FileContent> content = read_file(secret.file, bytes_most);
  if (!content) return content.error();
  if (content->mode & 0007)
    return invalid(secret.file + ": others can read or write it; run: chmod o= " + secret.file);
  return trimmed(content->bytes);
}

}  // namespace gatehouse
