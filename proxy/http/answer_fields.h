// answer_fields.h: what a route has to say in the heads that pass it, besides what the door itself does.
//   Rules of `headers` both ways, and on answers the fields of CORS (Fetch, "CORS protocol"). Names and values were
//   checked when they were read. A preflight is answered by these fields alone. Pure, no allocation.
#pragma once

#include <string_view>

#include "conf/cors.h"
#include "conf/field_rules.h"
#include "proxy/http/head.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::http {

// Whether a field that was sent doesn't pass.
bool replaces(const AnswerFields& fields, std::string_view name);

void put_answer_fields(const AnswerFields& fields, const ResponseHead& sent, HeadWriter& out);
// Of an answer of the door's own: what these lines, or any such answer, say by themselves stands.
void put_own_answer_fields(const AnswerFields& fields, std::string_view lines, HeadWriter& out);
// Of a file: these lines are its fields, and are written as a backend's would be. What frames the body or says how it
// is coded stands, as does the Vary that caches need.
void put_file_answer_fields(const AnswerFields& fields, std::string_view lines, HeadWriter& out);

void put_request_fields(const conf::FieldRules& rules, const RequestHead& sent, HeadWriter& out);

// Of the answer to a preflight, besides put_answer_fields().
void put_preflight_fields(const conf::Cors& cors, const RequestHead& head, HeadWriter& out);
bool is_preflight(const RequestHead& head);

}  // namespace gatehouse::http
