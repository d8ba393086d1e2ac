#include "proxy/http/conditional.h"

#include <optional>

#include "proxy/http/bytes.h"
#include "proxy/http/http_date.h"

namespace gatehouse::http {
namespace {

struct Tag {
  std::string_view opaque;  // with its quotes; empty: malformed
  bool weak = false;
};

// Takes the next tag off a list; empty elements are passed over. Commas may stand within quotes.
Tag next_tag(std::string_view& list) {
  while (!list.empty() && (is_blank(list.front()) || list.front() == ',')) list.remove_prefix(1);
  Tag tag;
  if (list.starts_with("W/")) tag.weak = true, list.remove_prefix(2);
  const std::size_t end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
  if (end == std::string_view::npos) {
    list = {};  // what follows can't be told apart any more
    return {};
  }
  tag.opaque = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return tag;
}

Tag whole_tag(std::string_view etag) {
  std::string_view rest = etag;
  return next_tag(rest);
}

template <class Match>
bool any_line(const RequestHead& head, FieldId id, Match match) {
  for (const Field& field : head.fields())
    if (field.id == id && match(head.value(field))) return true;
  return false;
}

bool has_tag(const RequestHead& head, FieldId id, const Validators& is, bool weak) {
  return any_line(
      head, id, [&](std::string_view list) { return trimmed(list) == "*" || any_tag_matches(list, is.etag, weak); });
}

std::optional<std::int64_t> date_of(const RequestHead& head, const Field* field, std::int64_t now) {
  return field == nullptr ? std::nullopt : parse_http_date(head.value(*field), now);
}

}  // namespace

bool any_tag_matches(std::string_view list, std::string_view etag, bool weak) {
  const Tag ours = whole_tag(etag);
  if (ours.opaque.empty() || (!weak && ours.weak)) return false;
  while (!list.empty()) {
    const Tag tag = next_tag(list);
    if (tag.opaque.empty()) return false;
    if (tag.opaque == ours.opaque && (weak || !tag.weak)) return true;
  }
  return false;
}

Precondition judge_conditions(const RequestHead& head, const Validators& is) {
  if (head.find(FieldId::if_match) != nullptr) {
    if (!has_tag(head, FieldId::if_match, is, false)) return Precondition::failed;
  } else if (const auto date = date_of(head, head.find("If-Unmodified-Since"), is.now);
             date && is.modified >= 0 && is.modified > *date) {
    return Precondition::failed;
  }
  if (head.find(FieldId::if_none_match) != nullptr)
    return has_tag(head, FieldId::if_none_match, is, true) ? Precondition::not_modified : Precondition::go_on;
  const auto date = date_of(head, head.find(FieldId::if_modified_since), is.now);
  if (date && is.modified >= 0 && is.modified <= *date) return Precondition::not_modified;
  return Precondition::go_on;
}

// A date is a strong validator only once it can't be anybody else's (RFC 9110 8.8.2.2).
bool range_applies(const RequestHead& head, const Validators& is) {
  const Field* field = head.find(FieldId::if_range);
  if (field == nullptr) return true;
  const std::string_view value = head.value(*field);
  if (value.starts_with('"') || value.starts_with("W/")) return any_tag_matches(value, is.etag, false);
  const auto date = parse_http_date(value, is.now);
  return date && is.modified >= 0 && *date == is.modified && is.modified < is.now - 1;
}

}  // namespace gatehouse::http
