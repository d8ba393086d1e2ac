// The writing half of yaml.h.
#include <algorithm>

#include "conf/yaml.h"

namespace gatehouse::conf {
namespace {

bool is_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "<<" || text.starts_with('-')) return false;
  if (text == "null" || text == "Null" || text == "NULL") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./+").find(c) != std::string_view::npos;
  });
}

std::string scalar_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_short(const Yaml& node) {  // goes on its key's line
  if (node.kind == Yaml::Kind::mapping) return node.pairs.empty();
  return std::none_of(node.items.begin(), node.items.end(),
                      [](const Yaml& item) { return !item.items.empty() || !item.pairs.empty(); });
}

void print(const Yaml& node, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  for (const auto& [key, value] : node.pairs) {
    out += margin + scalar_text(key.text) + ":";
    if (is_short(value)) {
      out += " " + inline_yaml(value) + "\n";
    } else {
      out += "\n";
      print(value, indent + 2, out);
    }
  }
  for (const Yaml& item : node.items) {
    if (is_short(item)) {
      out += margin + "- " + inline_yaml(item) + "\n";
    } else {
      const std::size_t start = out.size();
      print(item, indent + 2, out);
      out[start + indent] = '-';
    }
  }
}

}  // namespace

std::string print_yaml(const Yaml& root) {
  std::string out;
  if (is_short(root) && root.items.empty())
    out = root.kind == Yaml::Kind::scalar ? inline_yaml(root) + "\n" : "";
  else
    print(root, 0, out);
  return out;
}

std::string inline_yaml(const Yaml& node) {
  std::string out;
  switch (node.kind) {
    case Yaml::Kind::null: return "~";
    case Yaml::Kind::scalar: return scalar_text(node.text);
    case Yaml::Kind::list:
      for (const Yaml& item : node.items) out += (out.empty() ? "" : ", ") + inline_yaml(item);
      return "[" + out + "]";
    case Yaml::Kind::mapping:
      for (const auto& [key, value] : node.pairs)
        out += (out.empty() ? "" : ", ") + scalar_text(key.text) + ": " + inline_yaml(value);
      return out.empty() ? "{}" : "{ " + out + " }";
  }
  return out;
}

}  // namespace gatehouse::conf
