#include "conf/host_pattern.h"

#include <algorithm>
#include <span>
#include <vector>

#include "conf/words.h"
#include "net/ip.h"

namespace gatehouse::conf {
namespace {

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

bool is_star(std::string_view label) { return label == "*" || label == "**"; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Error bad_host(std::string_view text) {
  const bool foreign = std::any_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) < 0; });
  return invalid(std::string(text) +
                 (foreign ? ": write the name in its xn-- form"
                          : ": not a host; write a name, *.name (one label) or **.name (one or more)"));
}

// Every label literal, but for those of which may_be_star(index) says otherwise.
template <class MayBeStar>
Result<std::string> parse_labels(std::string_view text, MayBeStar may_be_star) {
  std::string host = lower(text);
  if (host.ends_with('.')) host.pop_back();
  if (host.size() > 253) return invalid(std::string(text) + ": longer than 253 characters");
  const std::vector<std::string_view> labels = split_list(host, '.');
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (!is_label(labels[i]) && !(is_star(labels[i]) && may_be_star(i, labels.size()))) return bad_host(text);
  return host;
}

// Whether the labels of pattern [p..] cover those of host [h..], both read from the left.
bool covers(std::span<const std::string_view> pattern, std::span<const std::string_view> host) {
  if (pattern.empty() || host.empty()) return pattern.empty() && host.empty();
  if (pattern[0] == "**") {
    // One label or more, whatever they are; the shortest fit is not always the right one, so each is tried.
    for (std::size_t taken = 1; taken <= host.size(); ++taken)
      if (covers(pattern.subspan(1), host.subspan(taken))) return true;
    return false;
  }
  if (host[0] == "**" || (host[0] != pattern[0] && pattern[0] != "*")) return false;
  return covers(pattern.subspan(1), host.subspan(1));
}

}  // namespace

Result<std::string> parse_route_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    const auto address = IpAddress::parse(text.substr(1, text.size() - 2));
    if (!address || address->is_v4()) return invalid(std::string(text) + ": not an IPv6 address");
    return "[" + address->text() + "]";
  }
  return parse_labels(text, [](std::size_t i, std::size_t count) { return i == 0 && count > 1; });
}

Result<std::string> parse_permit_pattern(std::string_view text) {
  Result<std::string> pattern = parse_labels(text, [](std::size_t, std::size_t) { return true; });
  if (!pattern) return pattern;
  const std::vector<std::string_view> labels = split_list(*pattern, '.');
  if (std::count(labels.begin(), labels.end(), "**") > 1)  // keeps covers() from trying every split of every split
    return invalid(std::string(text) + ": write ** once");
  return pattern;
}

bool permits(std::string_view pattern, std::string_view host) {
  return !host.empty() && covers(split_list(pattern, '.'), split_list(host, '.'));
}

}  // namespace gatehouse::conf
