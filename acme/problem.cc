#include "acme/problem.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gatehouse::acme {
namespace {

constexpr std::string_view prefix = "urn:ietf:params:acme:error:";

struct Meaning {
  std::string_view type;
  Fault fault;
};
constexpr std::array meanings = {
    Meaning{"accountDoesNotExist", Fault::account},
    Meaning{"badNonce", Fault::nonce},
    Meaning{"caa", Fault::permanent},
    Meaning{"compound", Fault::validation},
    Meaning{"connection", Fault::validation},
    Meaning{"dns", Fault::validation},
    Meaning{"incorrectResponse", Fault::validation},
    Meaning{"orderNotReady", Fault::not_ready},
    Meaning{"rateLimited", Fault::limited},
    Meaning{"serverInternal", Fault::passing},
    Meaning{"tls", Fault::validation},
    Meaning{"unauthorized", Fault::validation},
};

std::string cut(std::string text) {
  if (text.size() > Problem::text_most) text.resize(Problem::text_most);
  return text;
}

std::string type_of(const json::object& document) {
  std::string type = text_at(document, "type");
  if (type.starts_with(prefix)) type.erase(0, prefix.size());
  return cut(type == "about:blank" ? std::string() : type);
}

}  // namespace

Fault Problem::fault() const {
  // An authorization that is refused as a whole says what its parts say.
  if (type == "compound" && !parts.empty()) {
    Problem first;
    first.type = parts.front().type;
    return first.fault();
  }
  const auto* known = std::find_if(meanings.begin(), meanings.end(), [&](const auto& m) { return m.type == type; });
  if (known != meanings.end()) return known->fault;
  if (status == 429 || status == 503) return Fault::limited;
  if (status == 0 || status == 408 || status >= 500) return type.empty() ? Fault::passing : Fault::permanent;
  return Fault::permanent;
}

std::string Problem::text() const {
  std::string out = detail;
  if (out.empty()) out = status != 0 ? "the CA answered " + std::to_string(status) : "no reason was given";
  if (!type.empty()) out += " (" + type + ")";
  for (const Part& part : parts) {
    out += "; ";
    if (!part.identifier.empty()) out += part.identifier + ": ";
    out += part.detail.empty() ? part.type : part.detail + (part.type.empty() ? "" : " (" + part.type + ")");
  }
  if (!instance.empty()) out += "; see " + instance;
  return out;
}

Problem read_problem(const json::object& document) {
  Problem out;
  out.type = type_of(document);
  out.detail = cut(text_at(document, "detail"));
  out.instance = cut(text_at(document, "instance"));
  out.status = static_cast<unsigned>(std::clamp<std::int64_t>(number_at(document, "status"), 0, 599));
  for (const json::value& each : list_at(document, "subproblems")) {
    if (!each.is_object() || out.parts.size() == Problem::parts_most) continue;
    const json::object& part = each.get_object();
    out.parts.push_back(
        {cut(text_at(object_at(part, "identifier"), "value")), type_of(part), cut(text_at(part, "detail"))});
  }
  return out;
}

Problem read_problem(unsigned status, std::string_view body) {
  Problem out = read_problem(read_object(body));
  out.status = status;
  return out;
}

Problem trouble(std::string what) {
  Problem out;
  out.detail = cut(std::move(what));
  return out;
}

}  // namespace gatehouse::acme
