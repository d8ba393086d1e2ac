// admin.h: what the admin socket answers: one table of verbs over HTTP, for our own commands and for curl.
//   Whoever may open the socket (mode 0660, admin.group) may use every verb; who changed what is in the history.
//   Threads  control.
#pragma once

#include <span>
#include <string_view>

#include "cli/http_message.h"

namespace gatehouse::cli {

class Door;

struct Verb {
  std::string_view method, path;
  std::string_view required;  // a query parameter it can't do without; empty: none
  HttpReply (*answer)(Door&, const HttpRequest&);
  std::string_view meaning;
};

std::span<const Verb> verbs();

// The verb that is asked for; else null, and the reply tells what there is (400, 404, 405).
const Verb* find_verb(const HttpRequest& request, HttpReply& refusal);

HttpReply answer_admin(Door& door, const HttpRequest& request);

}  // namespace gatehouse::cli
