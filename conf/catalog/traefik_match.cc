#include "conf/catalog/traefik_match.h"

#include <algorithm>

#include "conf/host_pattern.h"
#include "conf/route_value.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

// A label by a regular expression, taken off the text: "[^.]+", "[a-z0-9-]+", "\w+", ".+" (labels).
std::string_view take_label(std::string_view& text) {
  if (text.starts_with(".+") || text.starts_with(".*")) return text.remove_prefix(2), "**";
  std::size_t size = text.starts_with("\\w") ? 2 : 0;
  if (text.starts_with('[')) size = text.find(']') == std::string_view::npos ? 0 : text.find(']') + 1;
  if (size == 0 || size >= text.size() || (text[size] != '+' && text[size] != '*')) return "";
  return text.remove_prefix(size + 1), "*";
}

}  // namespace

std::string plain_host(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return conf::parse_route_host(out) && out.find('*') == std::string::npos ? out : "";
}

namespace {

// The labels in front that a regular expression stands for: "[a-z]+", "(.+)", v2's "{sub:[a-z]+}"; taken off the
// text.
std::string_view take_labels(std::string_view& text) {
  const bool named = text.starts_with('{');
  if (!named && !text.starts_with('(')) return take_label(text);
  const std::size_t end = text.find(named ? '}' : ')');
  if (end == std::string_view::npos) return "";
  std::string_view inner = text.substr(1, end - 1), label = "*";
  const std::size_t colon = inner.find(':');
  if (!named || colon != std::string_view::npos) {
    if (named) inner.remove_prefix(colon + 1);
    label = take_label(inner);
    if (!inner.empty()) return "";
  }
  text.remove_prefix(end + 1);
  return label;
}

// The pattern that says nearly the same as a regular expression for hosts (empty: any host); nothing: there is none.
std::optional<std::string> host_of_regexp(std::string_view text) {
  if (text.starts_with('^')) text.remove_prefix(1);
  if (text.ends_with('$')) text.remove_suffix(1);
  const std::string_view labels = take_labels(text);
  if (labels == "**" && text.empty()) return "";
  if (!labels.empty()) {
    if (!text.starts_with('.') && !text.starts_with("\\.")) return std::nullopt;
    text.remove_prefix(text.starts_with('.') ? 1 : 2);
  }
  const std::string name = plain_host(text);
  if (name.empty()) return std::nullopt;
  return labels.empty() ? name : std::string(labels) + "." + name;
}

bool covers_path(const std::string& prefix, const std::string& path) {
  return prefix == "/" || path == prefix || path.starts_with(prefix + "/");
}

class Translator {
 public:
  TraefikMatch run(const RuleAlternative& alternative) {
    for (const RuleTerm& term : alternative) add(term);
    settle_path();
    if (!methods_.empty()) {
      std::string list;
      for (const std::string& method : methods_) list += (list.empty() ? "" : ",") + method;
      out_.conditions.insert(out_.conditions.begin(), "if.method=" + list);
    }
    if (has_exact_) out_.conditions.insert(out_.conditions.begin(), "if.path=exact");
    return std::move(out_);
  }

 private:
  void add(const RuleTerm& term) {
    const std::string& name = term.matcher;
    if (name == "clientip" && term.values.size() == 1) return add_client(term);
    if (term.negated) return fail("!" + name + " is not mapped");
    if ((name == "header" || name == "headers") && term.values.size() == 2)
      return out_.conditions.push_back("if.header=" + term.values[0] + ":" + term.values[1]);
    if ((name == "headerregexp" || name == "headersregexp") && term.values.size() == 2)
      return add_pattern("if.header_regex=" + term.values[0] + ":", term.values[1]);
    if (name == "queryregexp" && term.values.size() == 2)
      return add_pattern("if.query_regex=" + term.values[0] + ":", term.values[1]);
    if (name == "query") return add_query(term.values);
    if (term.values.size() != 1) return fail(name + " with " + std::to_string(term.values.size()) + " values");
    const std::string& value = term.values[0];
    if (name == "host" || name == "hostheader") return add_host(value);
    if (name == "hostregexp") return add_host_regexp(value);
    if (name == "pathprefix") return add_path(value, false);
    if (name == "path") return add_path(value, true);
    if (name == "method") return add_method(value);
    if (name == "pathregexp") {
      out_.differs.push_back("PathRegexp is asked of the path with its escapes");
      return add_pattern("if.path_regex=", value);
    }
    fail(name + " is not mapped");
  }

  void add_pattern(const std::string& condition, const std::string& pattern) {
    if (const auto read = conf::TextPattern::parse(pattern); !read) return fail(read.error().what);
    out_.conditions.push_back(conf::quoted_word(condition + pattern));
  }

  // Of v3 a name and its value, or a name whose value is empty; of v2 any number of "name=value".
  void add_query(const std::vector<std::string>& values) {
    const bool pairs =
        !values.empty() && std::ranges::all_of(values, [](const auto& each) { return each.find('=') != each.npos; });
    if (pairs)
      for (const std::string& each : values)
        add_parameter(each.substr(0, each.find('=')), each.substr(each.find('=') + 1));
    else if (values.size() <= 2 && !values.empty())
      add_parameter(values[0], values.size() == 2 ? values[1] : "");
    else
      fail("query with " + std::to_string(values.size()) + " values");
  }

  void add_parameter(const std::string& name, const std::string& value) {
    if (name.find(':') != name.npos) return fail("the parameter " + name + " is not mapped");
    out_.conditions.push_back(
        conf::quoted_word(value.empty() ? "if.query_regex=" + name + ":^$" : "if.query=" + name + ":" + value));
  }

  void fail(std::string why) {
    if (out_.failure.empty()) out_.failure = std::move(why);
  }

  void add_host(const std::string& host) {
    if (host == "*") return;
    if (host.find_first_of("{}") != std::string::npos) return add_host_regexp(host);
    const Result<std::string> name = conf::parse_route_host(host);
    if (!name) return fail(name.error().what);
    if (out_.host.starts_with('*')) return fail("Host and HostRegexp together are not mapped");
    if (!out_.host.empty() && out_.host != *name) out_.never = true;
    out_.host = *name;
  }

  void add_host_regexp(const std::string& regexp) {
    const std::optional<std::string> host = host_of_regexp(regexp);
    if (host && host->empty()) return;  // any
    if (!host || !out_.host.empty()) return fail("HostRegexp(`" + regexp + "`) is not mapped");
    out_.host = *host;
    out_.differs.push_back("HostRegexp(`" + regexp + "`) is taken as " + *host);
  }

  void add_path(const std::string& text, bool exact) {
    if (text.find_first_of("{}") != std::string::npos) return fail("the pattern " + text + " is not mapped");
    const Result<std::string> path = conf::parse_route_path(text);
    if (!path) return fail(path.error().what);
    if (exact && has_exact_ && exact_ != *path) out_.never = true;
    if (exact) has_exact_ = true, exact_ = *path;
    if (!exact) prefixes_.push_back(*path);
    if (!exact && *path != "/")
      out_.differs.push_back("a path ends at a segment: Traefik would take " + *path + "x too");
  }

  void settle_path() {
    std::sort(prefixes_.begin(), prefixes_.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    out_.path = has_exact_ ? exact_ : prefixes_.empty() ? "/" : prefixes_.back();
    for (const std::string& prefix : prefixes_)
      if (!covers_path(prefix, out_.path)) out_.never = true;
  }

  void add_method(const std::string& method) {
    if (!methods_.empty() && methods_[0] != method) out_.never = true;
    methods_ = {method};
  }

  void add_client(const RuleTerm& term) {
    const std::optional<IpPrefix> network = IpPrefix::parse(term.values[0]);
    if (!network) return fail("ClientIP(`" + term.values[0] + "`): not a network");
    if (term.negated) return out_.deny.push_back(*network);
    const std::vector<IpPrefix> one{*network};
    out_.allow = out_.allow ? common_networks(*out_.allow, one) : one;
    if (out_.allow->empty()) out_.never = true;
  }

  TraefikMatch out_;
  std::vector<std::string> prefixes_, methods_;
  std::string exact_;
  bool has_exact_ = false;
};

}  // namespace

std::vector<IpPrefix> common_networks(const std::vector<IpPrefix>& a, const std::vector<IpPrefix>& b) {
  std::vector<IpPrefix> out;
  for (const IpPrefix& left : a) {
    for (const IpPrefix& right : b) {
      if (left.length <= right.length && left.contains(right.address))
        out.push_back(right);
      else if (right.contains(left.address) && right.length < left.length)
        out.push_back(left);
    }
  }
  return out;
}

TraefikMatch traefik_match(const RuleAlternative& alternative) { return Translator().run(alternative); }

}  // namespace gatehouse::catalog
