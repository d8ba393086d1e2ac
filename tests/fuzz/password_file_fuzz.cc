// An htpasswd file, and what is told of it: names that are found again, sorted and each once.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conf/auth.h"
#include "conf/words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse::conf;
  PasswordFile file = parse_password_file({reinterpret_cast<const char*>(data), size});
  if (file.wrong.size() > 11) std::abort();
  AuthPolicy policy;
  policy.logins = std::move(file.logins);
  for (std::size_t i = 0; i < policy.logins.size(); ++i) {
    const Login& login = policy.logins[i];
    if (policy.find(login.name) != &login || !is_known_hash(login.hash)) std::abort();
    if (login.name.empty() || !check_plain(login.name)) std::abort();
    if (i > 0 && policy.logins[i - 1].name >= login.name) std::abort();
  }
  return 0;
}
