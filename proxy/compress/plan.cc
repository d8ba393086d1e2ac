#include "proxy/compress/plan.h"

#include <algorithm>
#include <array>

#include "proxy/http/accept_encoding.h"
#include "proxy/http/bytes.h"

namespace gatehouse::compress {
namespace {

using http::FieldId;

// Where the route names none: text in its many forms. What is compressed in itself (images, video, archives) isn't.
constexpr auto usual_types = std::to_array<std::string_view>({
    "text/*",
    "application/javascript",
    "application/json",
    "application/xml",
    "application/wasm",
    "application/graphql",
    "application/x-javascript",
    "application/x-ndjson",
    "application/yaml",
    "application/toml",
    "application/rtf",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/svg+xml",
    "image/vnd.microsoft.icon",
    "image/x-icon",
});

bool fits(std::string_view type, std::string_view pattern) {
  if (pattern == "*/*") return true;
  if (!pattern.ends_with("/*")) return http::equals_caseless(type, pattern);
  return http::starts_caseless(type, pattern.substr(0, pattern.size() - 1));
}

bool ends_caseless(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && http::equals_caseless(text.substr(text.size() - lower.size()), lower);
}

template <class Test>
bool any_element(const http::MessageHead& head, FieldId id, Test test) {
  for (const http::Field& field : head.fields()) {
    if (field.id != id) continue;
    std::string_view list = head.value(field);
    while (!list.empty())
      if (test(http::next_element(list))) return true;
  }
  return false;
}

bool forbids(const http::MessageHead& head) {
  return any_element(head, FieldId::cache_control,
                     [](std::string_view each) { return http::equals_caseless(each, "no-transform"); });
}

bool is_encoded(const http::ResponseHead& answer) {
  return any_element(answer, FieldId::content_encoding,
                     [](std::string_view each) { return !each.empty() && !http::equals_caseless(each, "identity"); });
}

// Of the bytes that are sent, which would be others.
bool has_digest(const http::ResponseHead& answer) {
  return answer.find("Content-Digest") != nullptr || answer.find("Repr-Digest") != nullptr ||
         answer.find("Digest") != nullptr || answer.find("Content-MD5") != nullptr;
}

bool takes_any(const conf::Compress& policy, const http::RequestHead& request) {
  return request.minor >= 1 && rank_codings(http::accepted_codings(request), policy.codings).count > 0;
}

void choose(Plan& plan, const conf::Compress& policy, const http::RequestHead& request) {
  if (request.minor == 0) return;  // no chunks
  const http::CodingList ranked = rank_codings(http::accepted_codings(request), policy.codings);
  if (ranked.count > 0) plan.coding = ranked.each[0];
  plan.weakens = plan.coding.has_value();
}

}  // namespace

bool is_compressible(const conf::Compress& policy, std::string_view content_type) {
  const std::string_view type = http::trimmed(content_type.substr(0, content_type.find(';')));
  if (!policy.types.empty())
    return std::ranges::any_of(policy.types, [&](const std::string& each) { return fits(type, each); });
  return ends_caseless(type, "+json") || ends_caseless(type, "+xml") ||
         std::ranges::any_of(usual_types, [&](std::string_view each) { return fits(type, each); });
}

Plan plan_answer(const conf::Compress& policy, const http::RequestHead& request, const http::ResponseHead& answer) {
  Plan plan;
  if (!policy.on() || answer.interim() || forbids(answer)) return plan;
  if (answer.status == 304) {  // of what the client has in the form that it took
    plan.varies = true;
    plan.weakens = takes_any(policy, request);
    return plan;
  }
  const bool has_body = answer.status >= 200 && answer.status != 204 && answer.status != 205 && answer.status != 206;
  if (!has_body || is_encoded(answer) || has_digest(answer) || answer.find(FieldId::content_range) != nullptr)
    return plan;
  if (answer.has_content_length && answer.content_length < policy.size_least) return plan;
  if (!is_compressible(policy, answer.value_of(FieldId::content_type))) return plan;
  plan.varies = true;
  if (!forbids(request)) choose(plan, policy, request);
  return plan;
}

Plan plan_file(const conf::Compress& policy, const http::RequestHead& request, std::string_view type,
               std::uint64_t size) {
  Plan plan;
  if (!policy.on() || size < std::max<std::uint64_t>(policy.size_least, 1) || !is_compressible(policy, type))
    return plan;
  plan.varies = true;
  if (!forbids(request) && request.find(FieldId::range) == nullptr) choose(plan, policy, request);
  return plan;
}

void write_plan_fields(const Plan& plan, const http::ResponseHead& answer, http::HeadWriter& out) {
  if (plan.coding) out.field("Content-Encoding", conf::name_of(*plan.coding));
  const bool says_so = any_element(answer, FieldId::vary, [](std::string_view each) {
    return each == "*" || http::equals_caseless(each, "accept-encoding");
  });
  if (plan.varies && !says_so) out.put("Vary: Accept-Encoding\r\n");
  const http::Field* etag = plan.weakens ? answer.find(FieldId::etag) : nullptr;
  if (etag == nullptr) return;
  const std::string_view value = answer.value(*etag);
  out.put(value.starts_with("W/") ? "ETag: " : "ETag: W/");
  out.put(value);
  out.put("\r\n");
}

}  // namespace gatehouse::compress
