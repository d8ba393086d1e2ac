#include "proxy/http/accept_encoding.h"

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

constexpr unsigned elements_most = 64;
constexpr std::size_t codings = conf::content_coding_count;

// What was said so far, over all fields.
struct Said {
  std::array<std::optional<unsigned>, codings> weight;
  std::optional<unsigned> identity, any;
  unsigned elements = 0;
};

std::optional<unsigned> weight_of(std::string_view parameters) {
  parameters = trimmed(parameters);
  if (parameters.empty()) return 1000;
  if (parameters.front() != ';') return std::nullopt;
  parameters = trimmed(parameters.substr(1));
  if (parameters.size() < 3 || to_lower(parameters[0]) != 'q' || parameters[1] != '=') return std::nullopt;
  return parse_weight(parameters.substr(2));
}

void read_element(std::string_view element, Said& said) {
  const std::size_t end = element.find_first_of("; \t");
  const std::string_view name = element.substr(0, end);
  const auto weight = weight_of(end == std::string_view::npos ? std::string_view() : element.substr(end));
  if (!weight) return;
  if (name == "*") {
    said.any = *weight;
  } else if (equals_caseless(name, "identity")) {
    said.identity = *weight;
  } else if (equals_caseless(name, "x-gzip")) {
    said.weight[static_cast<std::size_t>(conf::ContentCoding::gzip)] = *weight;
  } else {
    for (std::size_t i = 0; i < codings; ++i)
      if (equals_caseless(name, conf::name_of(static_cast<conf::ContentCoding>(i)))) said.weight[i] = *weight;
  }
}

void read_list(std::string_view list, Said& said) {
  while (!list.empty() && said.elements < elements_most) {
    ++said.elements;
    if (const std::string_view element = next_element(list); !element.empty()) read_element(element, said);
  }
}

AcceptedCodings settle(const Said& said) {
  AcceptedCodings out;
  for (std::size_t i = 0; i < codings; ++i) out.weight[i] = said.weight[i].value_or(said.any.value_or(0));
  out.identity = said.identity.value_or(said.any == 0u ? 0 : 1);
  return out;
}

}  // namespace

std::optional<unsigned> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned value = text[0] == '1' ? 1000 : 0, place = 100;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (!is_digit(c) || (text[0] == '1' && c != '0')) return std::nullopt;
    value += static_cast<unsigned>(c - '0') * place;
    place /= 10;
  }
  return value;
}

AcceptedCodings parse_accept_encoding(std::string_view list) {
  Said said;
  read_list(list, said);
  return settle(said);
}

AcceptedCodings accepted_codings(const RequestHead& head) {
  if (head.find(FieldId::accept_encoding) == nullptr) return {};
  Said said;
  for (const Field& field : head.fields())
    if (field.id == FieldId::accept_encoding) read_list(head.value(field), said);
  return settle(said);
}

CodingList rank_codings(const AcceptedCodings& accepted, std::span<const conf::ContentCoding> ours) {
  CodingList out;
  for (const conf::ContentCoding coding : ours) {
    const unsigned weight = accepted.of(coding);
    if (weight == 0 || weight < accepted.identity || out.count == out.each.size()) continue;
    std::size_t at = out.count++;
    for (; at > 0 && accepted.of(out.each[at - 1]) < weight; --at) out.each[at] = out.each[at - 1];
    out.each[at] = coding;
  }
  return out;
}

}  // namespace gatehouse::http
