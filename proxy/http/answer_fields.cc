#include "proxy/http/answer_fields.h"

#include <algorithm>

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

using conf::FieldRule;

constexpr std::size_t asked_fields_max = 1024;  // of a preflight, told back where any may be sent

constexpr std::string_view asked_method = "access-control-request-method",
                           asked_fields = "access-control-request-headers", cors_prefix = "access-control-";

// What a local answer says by itself.
bool is_of_local_reply(std::string_view name) {
  constexpr std::string_view ours[] = {"content-type", "retry-after", "allow", "location", "www-authenticate"};
  return std::ranges::any_of(ours, [&](std::string_view each) { return equals_caseless(name, each); });
}

std::string_view name_of_line(std::string_view line) { return line.substr(0, line.find(':')); }

void put_rule(const FieldRule& rule, const MessageHead* sent, HeadWriter& out) {
  switch (rule.kind) {
    case FieldRule::Kind::remove: return;
    case FieldRule::Kind::fallback:
      if (sent != nullptr && sent->find(rule.name) != nullptr) return;
      [[fallthrough]];
    case FieldRule::Kind::set:
    case FieldRule::Kind::add: out.field(rule.name, rule.value);
  }
}

// Takes the first of the lines off, with its end.
std::string_view next_line(std::string_view& lines) {
  const std::string_view line = lines.substr(0, std::min(lines.find('\n'), lines.size() - 1) + 1);
  lines.remove_prefix(line.size());
  return line;
}

bool has_line(std::string_view lines, std::string_view name) {
  while (!lines.empty())
    if (conf::same_field(name_of_line(next_line(lines)), name)) return true;
  return false;
}

// Of a file's fields: without these its body would be read as something else.
bool frames_file(std::string_view name, bool in_parts) {
  constexpr std::string_view ours[] = {"content-length", "transfer-encoding", "content-range", "content-encoding"};
  if (equals_caseless(name, "content-type")) return in_parts;
  return std::ranges::any_of(ours, [&](std::string_view each) { return equals_caseless(name, each); });
}

void put_cors(const AnswerFields& fields, HeadWriter& out) {
  if (fields.cors == nullptr) return;
  const conf::Cors& cors = *fields.cors;
  if (!cors.any) out.put("Vary: Origin\r\n");
  if (fields.origin.empty()) return;
  out.field("Access-Control-Allow-Origin", cors.any ? std::string_view("*") : fields.origin);
  if (cors.credentials) out.put("Access-Control-Allow-Credentials: true\r\n");
  if (!cors.expose.empty()) out.field("Access-Control-Expose-Headers", cors.expose);
}

}  // namespace

bool replaces(const AnswerFields& fields, std::string_view name) {
  if (fields.cors != nullptr && starts_caseless(name, cors_prefix)) return true;
  return fields.rules != nullptr && fields.rules->drops(name);
}

void put_answer_fields(const AnswerFields& fields, const ResponseHead& sent, HeadWriter& out) {
  if (fields.rules != nullptr)
    for (const FieldRule& rule : fields.rules->rules) put_rule(rule, &sent, out);
  put_cors(fields, out);
}

void put_own_answer_fields(const AnswerFields& fields, std::string_view lines, HeadWriter& out) {
  if (fields.rules != nullptr)
    for (const FieldRule& rule : fields.rules->rules)
      if (!is_of_local_reply(rule.name) && !has_line(lines, rule.name)) put_rule(rule, nullptr, out);
  put_cors(fields, out);
}

void put_file_answer_fields(const AnswerFields& fields, std::string_view lines, HeadWriter& out) {
  const bool parts = lines.find("multipart/byteranges") != std::string_view::npos;
  for (std::string_view left = lines; !left.empty();) {
    const std::string_view line = next_line(left), name = name_of_line(line);
    const bool stays = frames_file(name, parts) || equals_caseless(name, "vary");
    if (stays || !replaces(fields, name)) out.put(line);
  }
  if (fields.rules != nullptr)
    for (const FieldRule& rule : fields.rules->rules) {
      const bool sent = rule.kind == FieldRule::Kind::fallback && has_line(lines, rule.name);
      if (!sent && !frames_file(rule.name, parts)) put_rule(rule, nullptr, out);
    }
  put_cors(fields, out);
}

void put_request_fields(const conf::FieldRules& rules, const RequestHead& sent, HeadWriter& out) {
  for (const FieldRule& rule : rules.rules) put_rule(rule, &sent, out);
}

void put_preflight_fields(const conf::Cors& cors, const RequestHead& head, HeadWriter& out) {
  if (!cors.methods.empty()) out.field("Access-Control-Allow-Methods", cors.methods);
  std::string_view fields = cors.fields;
  if (fields == "*") {  // no wildcard to what carries credentials
    const Field* asked = head.find(asked_fields);
    fields = asked != nullptr ? head.value(*asked) : std::string_view();
    if (fields.size() > asked_fields_max) fields = {};
  }
  if (!fields.empty()) out.field("Access-Control-Allow-Headers", fields);
  out.field("Access-Control-Max-Age", static_cast<std::uint64_t>(cors.max_age.count() / 1000));
  if (cors.fields == "*") out.put("Vary: Access-Control-Request-Headers\r\n");
}

bool is_preflight(const RequestHead& head) {
  return head.method_id == Method::options && head.find(FieldId::origin) != nullptr &&
         head.find(asked_method) != nullptr;
}

}  // namespace gatehouse::http
