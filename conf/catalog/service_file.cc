#include "conf/catalog/service_file.h"

#include <algorithm>
#include <array>

#include "conf/catalog/agent_keys.h"
#include "conf/catalog/json_hint.h"
#include "conf/catalog/mesh_rules.h"
#include "conf/values.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

constexpr std::size_t meta_key_max = 128, name_max = 255;

JsonPath below(const JsonPath& path, JsonStep step) {
  JsonPath out = path;
  out.push_back(step);
  return out;
}

bool is_meta_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void read_meta(const Definition& said, const JsonPath& path, FileReport& report, conf::Instance& out) {
  const json::object* meta = said.map("meta");
  if (meta == nullptr) return;
  if (meta->size() > meta_pairs_max) return report.error(below(path, "meta"), "more than 64 pairs");
  for (const auto& [name, value] : *meta) {
    const std::string_view key = name;
    std::string text = text_of(value);
    const JsonPath at = below(below(path, "meta"), key);
    if (!is_meta_key(key)) report.error(at, "a key is of letters, digits, - and _");
    if (key.size() > meta_key_max) report.error(at, "the key is longer than 128 characters");
    const bool federation = said.text("kind") == "mesh-gateway" && key == "consul-wan-federation";
    if (key.starts_with("consul-") && !federation) report.error(at, "keys that begin with consul- are Consul's own");
    if (text.size() > meta_value_max) report.error(at, "the value is longer than 512 characters");
    out.meta.emplace(key, std::move(text));
  }
}

void read_weights(const Definition& said, const JsonPath& path, FileReport& report, conf::Instance& out) {
  const auto weights = said.object("weights");
  if (!weights) return;
  const std::int64_t passing = weights->number("passing").value_or(1),
                     warning = weights->number("warning").value_or(1);
  if (passing < 1 || passing > 65535) report.error(below(path, "weights"), "passing is from 1 to 65535");
  if (warning < 0 || warning > 65535) report.error(below(path, "weights"), "warning is from 0 to 65535");
  out.weight_passing = static_cast<unsigned>(std::clamp<std::int64_t>(passing, 1, 65535));
  out.weight_warning = static_cast<unsigned>(std::clamp<std::int64_t>(warning, 0, 65535));
}

void read_port(const Definition& said, const JsonPath& path, FileReport& report, conf::Instance& out) {
  const std::int64_t port = said.number("port").value_or(0);
  if (port < 0 || port > 65535)
    report.warning(below(path, "port"), "not a port from 1 to 65535: the service is not used");
  else
    out.port = static_cast<std::uint16_t>(port);
}

// Consul's ids: "service:ID", numbered when there are several.
void read_checks(const Definition& said, const JsonPath& path, FileReport& report, ServiceDefinition& out) {
  std::vector<std::pair<Definition, JsonPath>> checks;
  const std::vector<Definition> listed = said.objects("checks");
  for (std::size_t i = 0; i < listed.size(); ++i) checks.emplace_back(listed[i], below(below(path, "checks"), i));
  if (const auto one = said.object("check")) checks.emplace_back(*one, below(path, "check"));
  for (std::size_t i = 0; i < checks.size(); ++i) {
    std::optional<CheckDefinition> read = read_check(checks[i].first, checks[i].second, report);
    if (!read) continue;
    conf::HealthCheck& check = read->check;
    if (check.id.empty()) {
      check.id = "service:" + out.instance.id;
      if (checks.size() > 1) check.id += ":" + std::to_string(i + 1);
    }
    if (check.name.empty()) check.name = "Service '" + out.instance.service + "' check";
    if (read->is_alias())
      out.aliases.push_back({check.id, check.name, read->alias_service, read->alias_node});
    else
      out.instance.checks.push_back(std::move(check));
  }
}

// Why an accepted definition can't be served; empty: it can.
std::string why_left_out(const Definition& said, const conf::Instance& instance) {
  if (instance.service.empty()) return "has no name: Consul would not start with it; left out";
  if (instance.service.size() > name_max || instance.id.size() > name_max)
    return "its name or id is longer than 255 bytes; left out";
  if (!conf::check_plain(instance.service) || !conf::check_plain(instance.id))
    return "its name or id holds a control character; left out";
  if (is_mesh_kind(said.text("kind"))) return said.text("kind") + ": a mesh is not served; left out";
  if (!said.text("socket_path").empty()) return "socket_path is not carried yet; left out";
  return {};
}

void read_service(const Definition& said, const JsonPath& path, std::size_t offset, const Home& home,
                  FileReport& report, ServiceFile& out) {
  ServiceDefinition definition;
  conf::Instance& instance = definition.instance;
  instance.datacenter = home.datacenter;
  instance.node = home.node;
  instance.service = said.text("name");
  instance.id = said.text("id");
  if (instance.id.empty()) instance.id = instance.service;
  instance.address = said.text("address");
  if (instance.address.empty()) instance.address = home.address;
  instance.tags = said.texts("tags");
  instance.at = {report.position(offset)};
  if (said.says("socket_path") && (said.says("port") || said.says("address")))
    report.error(path, "socket_path excludes port and address; keep one");
  read_port(said, path, report, instance);
  read_meta(said, path, report, instance);
  read_weights(said, path, report, instance);
  check_mesh_rules(said, path, report);
  read_checks(said, path, report, definition);
  if (const std::string why = why_left_out(said, instance); !why.empty())
    report.warning(path, why);
  else
    out.services.push_back(std::move(definition));
}

void read_loose_check(const Definition& said, const JsonPath& path, std::size_t offset, FileReport& report,
                      ServiceFile& out) {
  std::optional<CheckDefinition> check = read_check(said, path, report);
  if (!check) return;
  if (check->check.id.empty()) check->check.id = check->check.name;
  out.checks.push_back({std::move(*check), report.position(offset)});
}

constexpr Field top_fields[] = {{"services", Kind::objects, &service_shape},
                                {"service", Kind::object, &service_shape},
                                {"checks", Kind::objects, &check_shape},
                                {"check", Kind::object, &check_shape}};
constexpr Shape top_shape{top_fields};

const Field* find_top(std::string_view key) {
  for (const Field& field : top_fields)
    if (same_key(field.name, key)) return &field;
  return nullptr;
}

void check_top(const json::object& top, FileReport& report) {
  std::array<std::string_view, std::size(top_fields)> seen;
  for (const auto& [name, value] : top) {
    const std::string_view key = name;
    JsonPath path{key};
    if (const Field* field = find_top(key)) {
      std::string_view& before = seen[static_cast<std::size_t>(field - top_fields)];
      if (!before.empty()) report.error(path, "the same key as " + std::string(before) + "; keep one");
      before = key;
      check_field(value, *field, path, report);
    } else if (!is_agent_key(key)) {
      constexpr std::string_view ours[] = {"services", "service", "checks", "check"};
      const std::string_view near = conf::nearest(key, ours);
      report.error(path, "unknown key" + conf::did_you_mean(near));
    }
  }
}

// The name under which a top-level key was said, for paths.
std::string_view said_as(const json::object& top, std::string_view name) {
  for (const auto& [key, value] : top)
    if (same_key(key, name)) return key;
  return name;
}

void read_top(const json::object& top, const Home& home, FileReport& report, ServiceFile& out) {
  const Definition said(top, top_shape);
  const auto each = [&](std::string_view list, const auto& read) {
    const JsonPath path{said_as(top, list)};
    const std::vector<Definition> listed = said.objects(list);
    const std::vector<std::size_t> offsets = report.elements(path);
    for (std::size_t i = 0; i < listed.size(); ++i)
      read(listed[i], below(path, i), i < offsets.size() ? offsets[i] : 0);
  };
  const auto one = [&](std::string_view name, const auto& read) {
    const JsonPath path{said_as(top, name)};
    if (const auto only = said.object(name)) read(*only, path, report.offset(path));
  };
  const auto service = [&](const Definition& definition, const JsonPath& path, std::size_t offset) {
    read_service(definition, path, offset, home, report, out);
  };
  const auto check = [&](const Definition& definition, const JsonPath& path, std::size_t offset) {
    read_loose_check(definition, path, offset, report, out);
  };
  each("services", service);
  one("service", service);
  each("checks", check);
  one("check", check);
}

std::string what_is_wrong(const boost::system::error_code& error, std::string_view text, std::size_t offset) {
  if (error == json::error::too_deep) return "nested deeper than 32 levels";
  if (error == json::error::extra_data) return "more follows the definitions; write one object";
  return "not JSON: " + json_hint(text, offset);
}

// The text as JSON; nullopt: it isn't, and the report says so.
std::optional<json::value> parse_json(std::string_view text, FileReport& report) {
  json::parse_options options;
  options.max_depth = nesting_max;
  json::stream_parser parser(json::storage_ptr(), options);
  boost::system::error_code error;
  const std::size_t end = parser.write_some(text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\r\n", end) != std::string_view::npos) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (!error) return parser.release();
  report.add_at(end, "", what_is_wrong(error, text, end), conf::Severity::error);
  return std::nullopt;
}

ServiceFile parse(std::string_view text, const Home& home, std::size_t bytes_max, FileReport& report) {
  ServiceFile out;
  if (text.size() > bytes_max) {
    report.error({}, "larger than " + std::to_string(bytes_max >> 20) + " MiB; split it");
    return out;
  }
  if (text.empty()) {
    report.doubt({}, "is empty; write {\"services\": []} to mean none");
    return out;
  }
  const std::optional<json::value> value = parse_json(text, report);
  if (!value || value->is_null()) return out;
  if (!value->is_object()) {
    report.error({}, "write an object at the top, in braces");
    return out;
  }
  for (const JsonDuplicate& twice : json_duplicates(text, FileReport::findings_max))
    report.add_at(twice.offset, twice.name, "said more than once; the last one counts", conf::Severity::warning);
  check_top(value->get_object(), report);
  if (!report.failed()) read_top(value->get_object(), home, report, out);
  return out;
}

}  // namespace

ServiceFile parse_service_file(std::string_view text, const std::string& file, const Home& home,
                               std::size_t bytes_max) {
  FileReport report(text, file);
  ServiceFile out = parse(text, home, bytes_max, report);
  out.accepted = !report.failed();
  out.doubtful = report.doubtful();
  out.findings = report.take();
  out.walks = report.walks();
  if (!out.accepted) {
    out.services.clear();
    out.checks.clear();
  }
  return out;
}

bool is_meta_pair(std::string_view key, std::string_view value) {
  return is_meta_key(key) && key.size() <= meta_key_max && !key.starts_with("consul-") &&
         value.size() <= meta_value_max;
}

bool is_nameable(const std::string& text) {
  return !text.empty() && text.size() <= name_max && static_cast<bool>(conf::check_plain(text));
}

conf::Finding hcl_refused(const std::string& file) {
  return {{file}, "", "HCL is not read; write the definitions as JSON, in a file that ends in .json"};
}

}  // namespace gatehouse::catalog
