#include "conf/catalog/snapshot.h"

#include <charconv>
#include <set>

#include <boost/json.hpp>
#include <openssl/evp.h>

#include "conf/catalog/hold_down.h"
#include "conf/catalog/service_file.h"
#include "conf/catalog/snapshot_check.h"
#include "conf/catalog/snapshot_entries.h"

namespace gatehouse::catalog {
namespace {

namespace json = boost::json;
using conf::CatalogHealth;

constexpr std::string_view prefix = "gatehouse_", own_prefix = "gatehouse_own_";
constexpr std::string_view our_check = "gatehouse:";  // how ids of checks begin that no definition said
constexpr std::string_view beginning = R"({"node_meta":{"gatehouse_sha256":")";
constexpr std::size_t digest_digits = 64;
constexpr std::size_t provenance_most = 10;  // pairs of `meta`
constexpr const char* long_ttl = "87600h";

constexpr std::pair<CatalogHealth, std::string_view> healths[] = {
    {CatalogHealth::passing, "passing"}, {CatalogHealth::warning, "warning"}, {CatalogHealth::critical, "critical"}};

std::string digest_of(std::string_view text) {
  unsigned char hash[digest_digits / 2];
  EVP_Digest(text.data(), text.size(), hash, nullptr, EVP_sha256(), nullptr);
  std::string out;
  for (const unsigned char byte : hash) {
    constexpr char digits[] = "0123456789abcdef";
    out += {digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

std::string cut(const std::string& text) {
  std::size_t end = std::min(text.size(), meta_value_max);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

std::string place_text(const conf::Position& at) { return at.file + ":" + std::to_string(at.line); }

std::map<std::string, std::string> provenance(const std::string& source, const conf::Instance& instance) {
  std::map<std::string, std::string> out{
      {"source", source}, {"datacenter", instance.datacenter}, {"node", instance.node}};
  if (instance.catalog_health != CatalogHealth::passing)
    out["health"] = healths[static_cast<std::size_t>(instance.catalog_health)].second;
  if (instance.node_lost) out["node_lost"] = "true";
  if (instance.maintenance) out["maintenance"] = "true";
  if (instance.departed) out["departed"] = "true";
  if (!instance.held.empty()) out["held"] = instance.held;
  if (instance.catalog_index != 0) out["index"] = std::to_string(instance.catalog_index);
  if (instance.at.line != 0) out["at"] = place_text(instance.at);
  return out;
}

// Consul would be wrong to take it for passing.
json::object state_check(std::string_view status) {
  return {{"id", std::string(our_check) + "catalog"},
          {"name", "the catalog's word when this was written"},
          {"ttl", long_ttl},
          {"status", status}};
}

json::array checks_of(const conf::Instance& instance) {
  json::array out;
  for (const conf::HealthCheck& check : instance.checks)
    if (!check.id.starts_with(our_check)) out.push_back(check_definition(check));
  if (instance.departed || instance.maintenance || instance.catalog_health == CatalogHealth::critical)
    out.push_back(state_check("critical"));
  else if (instance.catalog_health == CatalogHealth::warning)
    out.push_back(state_check("warning"));
  return out;
}

json::object meta_of(const conf::Instance& instance, const std::map<std::string, std::string>& known) {
  json::object out;
  for (const auto& [name, value] : known) out[std::string(prefix) + name] = cut(value);
  std::size_t left = meta_pairs_max - provenance_most;
  for (const auto& [name, value] : instance.meta) {
    const std::string key = name.starts_with(prefix) ? std::string(own_prefix) + name.substr(prefix.size()) : name;
    if (left == 0 || !is_meta_pair(key, value)) continue;
    --left;
    out[key] = value;
  }
  return out;
}

class Writer {
 public:
  std::string services(const std::vector<SourceInstances>& sources) {
    for (const SourceInstances& each : sources)
      for (const conf::Instance& instance : each.instances) add(each.source, instance);
    return std::move(out_);
  }

 private:
  void add(const std::string& source, const conf::Instance& instance) {
    std::map<std::string, std::string> known = provenance(source, instance);
    if (!is_nameable(instance.service) || !is_nameable(instance.id) || known["node"].size() > meta_value_max) return;
    std::string id = instance.id;
    for (int n = 2; !ids_.insert(id).second; ++n) {  // of another node, or of another source
      id = instance.id + "@" + std::to_string(n);
      known["id"] = instance.id;
    }
    json::object definition{{"id", id},
                            {"name", instance.service},
                            {"address", instance.address},
                            {"port", instance.port},
                            {"weights", {{"passing", instance.weight_passing}, {"warning", instance.weight_warning}}},
                            {"meta", meta_of(instance, known)}};
    if (!instance.tags.empty()) definition["tags"] = json::value_from(instance.tags);
    if (json::array checks = checks_of(instance); !checks.empty()) definition["checks"] = std::move(checks);
    out_ += (out_.empty() ? "" : ",\n") + json::serialize(definition);
  }

  std::set<std::string> ids_;
  std::string out_;
};

// Takes the provenance out of the meta, and gives the instance what it says.
class Provenance {
 public:
  explicit Provenance(conf::Instance& instance) : instance_(instance) {
    for (auto each = instance.meta.begin(); each != instance.meta.end();) {
      const auto next = std::next(each);
      if (each->first.starts_with(prefix)) said_.insert(instance.meta.extract(each));
      each = next;
    }
    for (auto& [name, value] : said_)
      if (name.starts_with(own_prefix))
        instance.meta.emplace(std::string(prefix) + name.substr(own_prefix.size()), value);
  }

  std::string text(const char* name) const {
    const auto found = said_.find(std::string(prefix) + name);
    return found == said_.end() ? std::string() : found->second;
  }

  void apply() {
    instance_.datacenter = text("datacenter");
    instance_.node = text("node");
    if (const std::string id = text("id"); !id.empty()) instance_.id = id;
    for (const auto& [health, name] : healths)
      if (text("health") == name) instance_.catalog_health = health;
    instance_.node_lost = text("node_lost") == "true";
    instance_.maintenance = text("maintenance") == "true";
    instance_.departed = text("departed") == "true";
    instance_.held = text("held");
    instance_.catalog_index = number(text("index"));
    instance_.at = {{text("source") + " " + instance_.node + "/" + instance_.id}};
    const std::string at = text("at");
    if (const std::size_t colon = at.rfind(':'); colon != at.npos)
      instance_.at = {{at.substr(0, colon), static_cast<unsigned>(number(at.substr(colon + 1)))}};
    std::erase_if(instance_.checks, [](const auto& check) { return check.id.starts_with(our_check); });
    if (!instance_.held.empty() && instance_.checks.empty()) instance_.checks.push_back(connect_check());
  }

 private:
  static std::uint64_t number(const std::string& text) {
    std::uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
  }

  conf::Instance& instance_;
  std::map<std::string, std::string> said_;
};

Result<std::map<std::string, std::string>> read_notes(std::string_view first_line) {
  boost::system::error_code failed;
  const json::value value = json::parse(std::string(first_line.substr(0, first_line.size() - 1)) + "}", failed);
  if (failed) return invalid("its first line is not ours");
  std::map<std::string, std::string> out;
  for (const auto& [name, note] : value.at("node_meta").as_object())
    if (std::string_view(name).starts_with(prefix) && note.is_string())
      out.emplace(std::string_view(name).substr(prefix.size()), note.get_string());
  out.erase("sha256");
  return out;
}

}  // namespace

std::string snapshot_text(const Snapshot& snapshot) {
  std::string rest = "\"";
  for (const auto& [name, value] : snapshot.notes)
    rest += ",\"" + std::string(prefix) + name + "\":" + json::serialize(json::string(cut(value)));
  rest +=
      "},\n\"services\":[\n" + Writer().services(snapshot.sources) + "\n]" + entries_text(snapshot.sources) + "}\n";
  return std::string(beginning) + digest_of(rest) + rest;
}

bool is_whole(std::string_view text) {
  if (!text.starts_with(beginning) || text.size() < beginning.size() + digest_digits) return false;
  const std::string_view rest = text.substr(beginning.size() + digest_digits);
  return digest_of(rest) == text.substr(beginning.size(), digest_digits) && rest.find('\n') != rest.npos;
}

Result<Snapshot> read_snapshot(std::string_view text, const std::string& file) {
  if (!is_whole(text)) return invalid(file + ": torn or changed: its checksum is another");
  const std::size_t line = text.find('\n');
  Result<std::map<std::string, std::string>> notes = read_notes(text.substr(0, line));
  if (!notes) return invalid(file + ": " + notes.error().what);
  Snapshot out;
  out.notes = std::move(*notes);
  ServiceFile read =
      parse_service_file(text, file, {.datacenter = "", .node = "", .address = ""}, Snapshot::bytes_most);
  if (!read.accepted) return invalid(read.findings.empty() ? file + ": refused" : read.findings.front().text());
  for (ServiceDefinition& definition : read.services) {
    Provenance said(definition.instance);
    said.apply();
    const std::string source = said.text("source");
    if (out.sources.empty() || out.sources.back().source != source) out.sources.push_back({source, {}});
    out.sources.back().instances.push_back(std::move(definition.instance));
  }
  if (const Status entries = read_entries(text, out.sources); !entries)
    return invalid(file + ": " + entries.error().what);
  return out;
}

SourceInstances known_to(const Snapshot& snapshot, std::string_view source) {
  for (const SourceInstances& each : snapshot.sources)
    if (each.source == source) return each;
  return {std::string(source), {}};
}

}  // namespace gatehouse::catalog
