#include <iostream>

#include "cli/asking.h"
#include "cli/certificate_view.h"
#include "cli/commands.h"
#include "net/encoding.h"

namespace gatehouse::cli {

int run_certs_list(const Where& where, bool as_json) {
  const auto reply = ask_door_well(where, "GET", "/v1/certificates");
  if (!reply) return 1;
  if (as_json) {
    std::cout << reply->body;
    return 0;
  }
  boost::system::error_code error;
  const json::value list = json::parse(reply->body, error);
  if (error || !list.is_array()) {
    std::cerr << "what was answered is no list of certificates\n";
    return 1;
  }
  std::cout << certificate_list_text(list.get_array(), is_terminal());
  return 0;
}

int run_certs_why(const Where& where, const std::string& name) {
  const auto reply = ask_door_well(where, "GET", "/v1/certificates/why?name=" + percent_encoded(name));
  if (!reply) return 1;
  std::cout << reply->body;
  return 0;
}

int run_certs_renew(const Where& where, const std::string& name) {
  const auto reply = ask_door_well(where, "POST", "/v1/certificates/renew?name=" + percent_encoded(name));
  if (!reply) return 1;
  std::cout << reply->body;
  return 0;
}

}  // namespace gatehouse::cli
