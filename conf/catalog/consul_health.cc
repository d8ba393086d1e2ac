#include "conf/catalog/consul_health.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include <boost/json.hpp>

#include "conf/catalog/json_depth.h"
#include "conf/catalog/mesh_rules.h"
#include "conf/catalog/passed_over.h"
#include "conf/catalog/spellings.h"
#include "conf/words.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;

constexpr std::size_t nesting_most = 32, instances_most = 65536;

Result<json::value> parse(std::string_view body) {
  json::parse_options options;
  options.max_depth = nesting_most;
  boost::system::error_code error;
  json::value value = json::parse(body, error, {}, options);
  if (error == json::error::too_deep) value = json::parse(cut_below(body, nesting_most), error, {}, options);
  if (error) return invalid("not JSON: " + error.message());
  return value;
}

bool is_maintenance(std::string_view check) {
  return check == "_node_maintenance" || check.starts_with("_service_maintenance:");
}

// Reads on over what is wrong and remembers the first such thing.
class Reader {
 public:
  explicit Reader(const ConsulPlace& place) : place_(place) {}

  const std::string& wrong() const { return wrong_; }
  const std::set<InstanceKey>& unproven() const { return unproven_; }

  // nullopt: of a mesh, or wrong.
  std::optional<conf::Instance> instance(const json::value& value) {
    if (!value.is_object()) return fail("the list holds more than objects"), std::nullopt;
    const json::object& entry = value.get_object();
    const json::object& node = object(entry, "Node");
    const json::object& service = object(entry, "Service");
    if (is_of_mesh(service)) return std::nullopt;
    conf::Instance out;
    out.datacenter = text(node, "Datacenter");
    if (out.datacenter.empty()) out.datacenter = place_.datacenter;
    out.node = text(node, "Node");
    out.service = text(service, "Service");
    out.id = text(service, "ID");
    if (out.node.empty() || out.service.empty()) fail("an instance without a node or a name");
    if (out.id.empty()) out.id = out.service;
    tags(service, out);
    for (const auto& [key, ignored] : object(service, "Meta"))
      out.meta.emplace(key, text(object(service, "Meta"), key));
    const json::object& weights = object(service, "Weights");
    out.weight_passing = static_cast<unsigned>(std::clamp<std::int64_t>(number(weights, "Passing", 1), 1, 65535));
    out.weight_warning = static_cast<unsigned>(std::clamp<std::int64_t>(number(weights, "Warning", 1), 0, 65535));
    out.catalog_index = static_cast<std::uint64_t>(number(service, "ModifyIndex", 0));
    choose_address(node, service, out);
    checks(entry, out);
    out.at.file = place_.shown_as + " " + out.node + "/" + out.id;
    return out;
  }

  // Calls take(text) for each; until it says false.
  template <class Take>
  void texts(const json::object& in, std::string_view name, Take take) {
    for (const json::value& item : list(in, name)) {
      if (!item.is_string()) return fail(name, "holds more than texts");
      if (!take(std::string_view(item.get_string()))) return;
    }
  }

 private:
  // As many as may be: what is made of them takes time and room.
  void tags(const json::object& service, conf::Instance& out) {
    std::size_t bytes = 0;
    texts(service, "Tags", [&](std::string_view tag) {
      bytes += tag.size();
      if (out.tags.size() == tags_most || bytes > tags_bytes_most) return false;
      out.tags.emplace_back(tag);
      return true;
    });
    out.tags_left_out = list(service, "Tags").size() - out.tags.size();
  }

  void fail(std::string_view name, std::string_view what = {}) {
    if (wrong_.empty()) wrong_ = std::string(name) + (what.empty() ? "" : " ") + std::string(what);
  }

  // null in Consul's answers is as good as absent.
  static const json::value* find(const json::object& in, std::string_view name) {
    const json::value* value = in.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  const json::object& object(const json::object& in, std::string_view name) {
    static const json::object nothing;
    const json::value* value = find(in, name);
    if (value != nullptr && !value->is_object()) fail(name, "is no object");
    return value != nullptr && value->is_object() ? value->get_object() : nothing;
  }

  const json::array& list(const json::object& in, std::string_view name) {
    static const json::array nothing;
    const json::value* value = find(in, name);
    if (value != nullptr && !value->is_array()) fail(name, "is no list");
    return value != nullptr && value->is_array() ? value->get_array() : nothing;
  }

  std::string text(const json::object& in, std::string_view name) {
    const json::value* value = find(in, name);
    if (value != nullptr && !value->is_string()) fail(name, "is no text");
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  }

  std::int64_t number(const json::object& in, std::string_view name, std::int64_t fallback) {
    const json::value* value = find(in, name);
    if (value == nullptr) return fallback;
    boost::system::error_code error;
    const auto found = value->to_number<std::int64_t>(error);
    if (error) fail(name, "is no whole number");
    return error ? fallback : found;
  }

  bool is_of_mesh(const json::object& service) {
    return is_mesh_kind(text(service, "Kind")) || !text(object(service, "Proxy"), "DestinationServiceName").empty();
  }

  // A service's tagged address may have a port of its own; its node's has none, and counts for a service that has no
  // address itself.
  void choose_address(const json::object& node, const json::object& service, conf::Instance& out) {
    const json::object& tagged = object(object(service, "TaggedAddresses"), place_.tagged_address);
    std::int64_t port = number(service, "Port", 0);
    out.address = text(tagged, "Address");
    if (const std::int64_t own = number(tagged, "Port", 0); !out.address.empty() && own != 0) port = own;
    if (out.address.empty()) out.address = text(service, "Address");
    if (out.address.empty()) out.address = text(object(node, "TaggedAddresses"), place_.tagged_address);
    if (out.address.empty()) out.address = text(node, "Address");
    if (port >= 0 && port <= 65535) out.port = static_cast<std::uint16_t>(port);
  }

  conf::CatalogHealth health(const json::object& check) {
    const std::string status = text(check, "Status");
    if (status == "passing") return conf::CatalogHealth::passing;
    if (status == "warning") return conf::CatalogHealth::warning;
    return conf::CatalogHealth::critical;  // "critical", and whatever a newer Consul may say
  }

  // What Consul asks over the network has an output from its first run on; until then it is critical by default. A
  // script may fail without a word.
  bool has_run(const json::object& check) {
    static const std::set<std::string> with_a_word{"http", "tcp", "udp", "grpc", "h2ping"};
    return !with_a_word.contains(text(check, "Type")) || !text(check, "Output").empty();
  }

  // "http: connection refused": the check's name and the first line of what it put out.
  std::string told_by(const json::object& check) {
    std::string name = text(check, "Name"), output = text(check, "Output");
    if (name.empty()) name = text(check, "CheckID");
    output.resize(std::min(output.find_first_of("\r\n"), output.size()));
    return conf::printable(output.empty() ? name : name + ": " + output, reason_bytes_most);
  }

  void checks(const json::object& entry, conf::Instance& out) {
    auto proven = conf::CatalogHealth::passing, own = conf::CatalogHealth::passing;
    for (const json::value& each : list(entry, "Checks")) {
      if (!each.is_object()) return fail("Checks", "holds more than objects");
      const json::object& check = each.get_object();
      if (is_maintenance(text(check, "CheckID"))) {
        out.maintenance = true;
        continue;
      }
      if (health(check) > out.catalog_health) {
        out.catalog_health = health(check);
        out.catalog_reason.text = told_by(check);
      }
      if (has_run(check)) proven = std::max(proven, health(check));
      if (text(check, "CheckID") != "serfHealth") own = std::max(own, health(check));  // which is gossip's word
    }
    using enum conf::CatalogHealth;
    out.node_lost = out.catalog_health == critical && own != critical;
    if (out.catalog_health == critical && proven != critical) unproven_.insert({out.node, out.id});
  }

  const ConsulPlace& place_;
  std::string wrong_;
  std::set<InstanceKey> unproven_;
};

}  // namespace

Result<std::vector<conf::Instance>> parse_health(std::string_view body, const ConsulPlace& place,
                                                 std::set<InstanceKey>* unproven) {
  const Result<json::value> value = parse(body);
  if (!value) return value.error();
  if (!value->is_array()) return invalid("not a list of instances");
  if (value->get_array().size() > instances_most) return invalid("more than 65536 instances");
  Reader reader(place);
  std::vector<conf::Instance> out;
  for (const json::value& entry : value->get_array())
    if (auto instance = reader.instance(entry)) out.push_back(std::move(*instance));
  if (!reader.wrong().empty()) return invalid(reader.wrong());
  if (unproven != nullptr) *unproven = reader.unproven();
  // Consul gives no order: without one of ours every answer would look like news.
  std::sort(out.begin(), out.end(), [](const conf::Instance& a, const conf::Instance& b) {
    return std::tie(a.node, a.id) < std::tie(b.node, b.id);
  });
  return out;
}

Result<ServiceTags> parse_services(std::string_view body) {
  const Result<json::value> value = parse(body);
  if (!value) return value.error();
  if (!value->is_object()) return invalid("not a list of services");
  const ConsulPlace nowhere;
  Reader reader(nowhere);
  ServiceTags out;
  for (const auto& [name, ignored] : value->get_object()) {
    std::vector<std::string>& tags = out[name];
    std::set<std::string_view> spellings;
    reader.texts(value->get_object(), name, [&](std::string_view tag) {
      if (tag.size() > tags_bytes_most) return true;
      std::string_view spelling = spelling_of(tag);
      if (spelling.empty() && is_misspelt(tag)) spelling = "misspelt";
      if (!spelling.empty() && spellings.insert(spelling).second) tags.emplace_back(tag);
      return true;
    });
  }
  if (!reader.wrong().empty()) return invalid(reader.wrong());
  return out;
}

}  // namespace gatehouse::catalog
