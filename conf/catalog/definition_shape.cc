#include "conf/catalog/definition_shape.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "conf/values.h"

namespace gatehouse::catalog {
namespace {

constexpr std::string_view newer = "is of a newer Consul and not used";
constexpr std::string_view api_name =
    "is the API's name; write the one with underscores, Consul refuses this in files";

constexpr Field weights_fields[] = {{"passing", Kind::number}, {"warning", Kind::number}};
constexpr Shape weights_shape{weights_fields};
constexpr Field address_fields[] = {{"address", Kind::text}, {"port", Kind::number}};
constexpr Shape address_shape{address_fields};
constexpr Field mesh_gateway_fields[] = {{"mode", Kind::text}};
constexpr Shape mesh_gateway_shape{mesh_gateway_fields};
constexpr Field upstream_fields[] = {{"destination_type", Kind::text},
                                     {"destination_namespace", Kind::text},
                                     {"destination_partition", Kind::text},
                                     {"destination_name", Kind::text},
                                     {"datacenter", Kind::text},
                                     {"local_bind_address", Kind::text},
                                     {"local_bind_port", Kind::number},
                                     {"local_bind_socket_path", Kind::text},
                                     {"local_bind_socket_mode", Kind::text},
                                     {"config", Kind::any_map},
                                     {"mesh_gateway", Kind::object, &mesh_gateway_shape}};
constexpr Shape upstream_shape{upstream_fields};
constexpr Field expose_path_fields[] = {{"listener_port", Kind::number},
                                        {"path", Kind::text},
                                        {"protocol", Kind::text},
                                        {"local_path_port", Kind::number}};
constexpr Shape expose_path_shape{expose_path_fields};
constexpr Field expose_fields[] = {
    {"checks", Kind::flag}, {"port", Kind::number}, {"paths", Kind::objects, &expose_path_shape}};
constexpr Shape expose_shape{expose_fields};
constexpr Field transparent_fields[] = {{"outbound_listener_port", Kind::number}, {"dialed_directly", Kind::flag}};
constexpr Shape transparent_shape{transparent_fields};
constexpr Field proxy_fields[] = {{"destination_service_name", Kind::text},
                                  {"destination_service_id", Kind::text},
                                  {"local_service_address", Kind::text},
                                  {"local_service_port", Kind::number},
                                  {"local_service_socket_path", Kind::text},
                                  {"transparent_proxy", Kind::object, &transparent_shape},
                                  {"mode", Kind::text},
                                  {"config", Kind::any_map},
                                  {"upstreams", Kind::objects, &upstream_shape},
                                  {"mesh_gateway", Kind::object, &mesh_gateway_shape},
                                  {"expose", Kind::object, &expose_shape}};
constexpr Shape proxy_shape{proxy_fields};
constexpr Field connect_fields[] = {{"native", Kind::flag}, {"sidecar_service", Kind::object, &service_shape}};
constexpr Shape connect_shape{connect_fields};

constexpr Field check_fields[] = {
    {"id", Kind::text},
    {"name", Kind::text},
    {"notes", Kind::text},
    {"service_id", Kind::text, nullptr, "serviceid"},
    {"token", Kind::text},
    {"status", Kind::text},
    {"args", Kind::texts, nullptr, "scriptargs"},
    {"http", Kind::text},
    {"header", Kind::texts_map},
    {"method", Kind::text},
    {"body", Kind::text},
    {"disable_redirects", Kind::flag},
    {"output_max_size", Kind::number},
    {"tcp", Kind::text},
    {"interval", Kind::text},
    {"docker_container_id", Kind::text, nullptr, "dockercontainerid"},
    {"shell", Kind::text},
    {"grpc", Kind::text},
    {"grpc_use_tls", Kind::flag},
    {"tls_server_name", Kind::text},
    {"tls_skip_verify", Kind::flag, nullptr, "tlsskipverify"},
    {"alias_node", Kind::text},
    {"alias_service", Kind::text},
    {"timeout", Kind::text},
    {"ttl", Kind::text},
    {"h2ping", Kind::text},
    {"h2ping_use_tls", Kind::flag},
    {"success_before_passing", Kind::number},
    {"failures_before_warning", Kind::number},
    {"failures_before_critical", Kind::number},
    {"deregister_critical_service_after", Kind::text, nullptr, "deregistercriticalserviceafter"},
    {"udp", Kind::anything, nullptr, {}, newer},
    {"os_service", Kind::anything, nullptr, {}, newer},
};

constexpr Field service_fields[] = {
    {"kind", Kind::text},
    {"id", Kind::text},
    {"name", Kind::text},
    {"tags", Kind::texts},
    {"address", Kind::text},
    {"tagged_addresses", Kind::object_map, &address_shape, "taggedaddresses", api_name},
    {"meta", Kind::text_map},
    {"port", Kind::number},
    {"socket_path", Kind::text},
    {"check", Kind::object, &check_shape},
    {"checks", Kind::objects, &check_shape},
    {"token", Kind::text},
    {"weights", Kind::object, &weights_shape},
    {"enable_tag_override", Kind::flag, nullptr, "enabletagoverride", api_name},
    {"proxy", Kind::object, &proxy_shape},
    {"connect", Kind::object, &connect_shape},
    {"locality", Kind::anything, nullptr, {}, newer},
    {"ports", Kind::anything, nullptr, {}, newer},
};

const Field* find_field(const Shape& shape, std::string_view key) {
  for (const Field& field : shape.fields)
    if (same_key(field.name, key) || (!field.alias.empty() && same_key(field.alias, key))) return &field;
  return nullptr;
}

// One step further down the path, for as long as it lives.
class Step {
 public:
  Step(JsonPath& path, JsonStep step) : path_(path) { path_.push_back(step); }
  ~Step() { path_.pop_back(); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  JsonPath& path_;
};

void check_elements(const json::value& value, JsonPath& path, FileReport& report, const Field& element) {
  if (!value.is_array()) return report.error(path, "write a list, in brackets");
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const Step step(path, i);
    check_field(value.get_array()[i], element, path, report);
  }
}

void check_members(const json::value& value, JsonPath& path, FileReport& report, const Field& member) {
  if (!value.is_object()) return report.error(path, "write an object, in braces");
  for (const auto& [key, one] : value.get_object()) {
    const Step step(path, std::string_view(key));
    check_field(one, member, path, report);
  }
}

}  // namespace

const Shape service_shape{service_fields};
const Shape check_shape{check_fields};

bool same_key(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

const json::value& unwrap(const json::value& value) {
  const json::value* inner = &value;
  for (int depth = 0; depth < 2 && inner->is_array() && inner->get_array().size() == 1; ++depth)
    inner = &inner->get_array()[0];
  return *inner;
}

void check_field(const json::value& said, const Field& field, JsonPath& path, FileReport& report) {
  if (said.is_null()) return;
  const bool list = field.kind == Kind::texts || field.kind == Kind::objects || field.kind == Kind::anything;
  const json::value& value = list ? said : unwrap(said);
  switch (field.kind) {
    case Kind::text:
      if (!value.is_string()) report.error(path, "write a text, in quotes");
      break;
    case Kind::number:
      if (!value.is_number()) report.error(path, "write a number, without quotes");
      break;
    case Kind::flag:
      if (!value.is_bool()) report.error(path, "write true or false, without quotes");
      break;
    case Kind::texts: return check_elements(value, path, report, Field{"", Kind::text});
    case Kind::objects: return check_elements(value, path, report, Field{"", Kind::object, field.inner});
    case Kind::text_map: return check_members(value, path, report, Field{"", Kind::text});
    case Kind::texts_map: return check_members(value, path, report, Field{"", Kind::texts});
    case Kind::object_map: return check_members(value, path, report, Field{"", Kind::object, field.inner});
    case Kind::any_map: return check_members(value, path, report, Field{"", Kind::anything});
    case Kind::object: return check_object(value, *field.inner, path, report);
    case Kind::anything: break;
  }
}

void check_object(const json::value& value, const Shape& shape, JsonPath& path, FileReport& report) {
  if (!value.is_object()) return report.error(path, "write an object, in braces");
  std::map<const Field*, std::string_view> seen;
  for (const auto& [key, member] : value.get_object()) {
    const Step step(path, std::string_view(key));
    const Field* field = find_field(shape, key);
    if (field == nullptr) {
      std::vector<std::string_view> names;
      for (const Field& known : shape.fields) names.push_back(known.name);
      const std::string_view near = conf::nearest(key, names);
      report.error(path, "unknown key" + conf::did_you_mean(near));
      continue;
    }
    const auto [before, fresh] = seen.emplace(field, key);
    if (!fresh) report.error(path, "the same key as " + std::string(before->second) + "; keep one");
    if (!field->warning.empty() && (field->alias.empty() || same_key(key, field->alias)))
      report.warning(path, std::string(field->warning));
    check_field(member, *field, path, report);
  }
}

const json::value* Definition::find(std::string_view name) const {
  for (const Field& field : shape_->fields) {
    if (field.name != name) continue;
    for (const auto& [key, value] : *object_)
      if ((same_key(key, field.name) || (!field.alias.empty() && same_key(key, field.alias))) && !value.is_null())
        return &value;
  }
  return nullptr;
}

std::string text_of(const json::value& value) {
  const json::value& inner = unwrap(value);
  return inner.is_string() ? std::string(inner.get_string()) : std::string();
}

std::string Definition::text(std::string_view name) const {
  const json::value* value = find(name);
  return value == nullptr ? std::string() : text_of(*value);
}

// Consul cuts fractions off; beyond what any of its numbers may be, the largest will do.
std::optional<std::int64_t> Definition::number(std::string_view name) const {
  const json::value* said = find(name);
  if (said == nullptr) return std::nullopt;
  const json::value& value = unwrap(*said);
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(std::trunc(value.get_double()), -1e18, 1e18));
}

bool Definition::flag(std::string_view name, bool fallback) const {
  const json::value* value = find(name);
  return value == nullptr ? fallback : unwrap(*value).get_bool();
}

std::vector<std::string> Definition::texts(std::string_view name) const {
  std::vector<std::string> out;
  if (const json::value* value = find(name))
    for (const json::value& one : value->get_array()) out.push_back(text_of(one));
  return out;
}

namespace {

const Shape* inner_of(const Shape& shape, std::string_view name) {
  const Field* field = find_field(shape, name);
  return field == nullptr ? nullptr : field->inner;
}

// A null among objects is an object that says nothing.
const json::object& object_of(const json::value& value) {
  static const json::object nothing;
  const json::value& inner = unwrap(value);
  return inner.is_object() ? inner.get_object() : nothing;
}

}  // namespace

std::optional<Definition> Definition::object(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  return Definition(object_of(*value), *inner_of(*shape_, name));
}

std::vector<Definition> Definition::objects(std::string_view name) const {
  std::vector<Definition> out;
  if (const json::value* value = find(name))
    for (const json::value& one : value->get_array()) out.emplace_back(object_of(one), *inner_of(*shape_, name));
  return out;
}

const json::object* Definition::map(std::string_view name) const {
  const json::value* value = find(name);
  return value == nullptr ? nullptr : &object_of(*value);
}

}  // namespace gatehouse::catalog
