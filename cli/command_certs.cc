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

namespace {

int run_change(const Where& where, const std::string& target) {
  const auto reply = ask_door_well(where, "POST", target);
  if (!reply) return 1;
  std::cout << reply->body;
  return 0;
}

}  // namespace

int run_certs_renew(const Where& where, const std::string& name) {
  return run_change(where, "/v1/certificates/renew?name=" + percent_encoded(name));
}

int run_certs_revoke(const Where& where, const std::string& name, const std::string& reason) {
  return run_change(where,
                    "/v1/certificates/revoke?name=" + percent_encoded(name) + "&reason=" + percent_encoded(reason));
}

int run_certs_rollover(const Where& where) { return run_change(where, "/v1/certificates/rollover"); }

}  // namespace gatehouse::cli
