#include "conf/diff.h"

#include <algorithm>

#include "conf/config_keys.h"

namespace gatehouse::conf {
namespace {

using Rows = std::vector<KeyRow>;

// A list of mappings with names, as a mapping from those names; other nodes as they are.
Yaml by_name(const Yaml& node) {
  if (node.kind != Yaml::Kind::list || node.items.empty()) return node;
  Yaml out = Yaml::mapping();
  for (const Yaml& item : node.items) {
    const Yaml* name = item.find("name");
    if (name == nullptr) return node;
    out.add(name->text, item);
  }
  return out;
}

class Walk {
 public:
  explicit Walk(ConfigDiff& out) : out_(out) {}

  void compare(const Yaml& before, const Yaml& after, const std::string& path, const Rows& rows, bool at_start) {
    if (before == after) return;
    const bool named = before.kind == Yaml::Kind::list || after.kind == Yaml::Kind::list;
    const Yaml old = by_name(before), fresh = by_name(after);
    if (old.kind != Yaml::Kind::mapping || fresh.kind != Yaml::Kind::mapping)
      return tell(path, &old, &fresh, at_start);
    const auto step = [&](const std::string& key) {
      if (named) return path + "[" + key + "]";
      return path.empty() ? key : path + "." + key;
    };
    const auto restart = [&](const KeyRow* row) { return at_start || (row != nullptr && row->at_start); };
    for (const auto& [key, value] : old.pairs) {
      const Yaml* next = fresh.find(key.text);
      const KeyRow* row = find_row(rows, key.text);
      if (next != nullptr)
        compare(value, *next, step(key.text), row == nullptr ? rows : row->inner, restart(row));
      else
        tell(step(key.text), &value, nullptr, restart(row));
    }
    for (const auto& [key, value] : fresh.pairs)
      if (old.find(key.text) == nullptr) tell(step(key.text), nullptr, &value, restart(find_row(rows, key.text)));
  }

 private:
  static const KeyRow* find_row(const Rows& rows, const std::string& key) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const KeyRow& row) { return row.name == key; });
    return found == rows.end() ? nullptr : &*found;
  }

  void tell(const std::string& path, const Yaml* before, const Yaml* after, bool at_start) {
    const auto text = [](const Yaml* node) { return node == nullptr ? std::string() : inline_yaml(*node); };
    out_.lines.push_back({path, text(before), text(after), at_start});
    out_.sections.insert(path.substr(0, path.find_first_of(".[")));
  }

  ConfigDiff& out_;
};

}  // namespace

std::string Difference::text() const {
  if (before.empty()) return path + ": added: " + after;
  if (after.empty()) return path + ": removed, was " + before;
  return path + ": " + before + " -> " + after;
}

ConfigDiff diff_config(const Config& before, const Config& after) {
  const Form<Config>& form = config_form();
  return diff_nodes(form.write(before, nullptr), form.write(after, nullptr), form.inner);
}

ConfigDiff diff_nodes(const Yaml& before, const Yaml& after, const std::vector<KeyRow>& rows) {
  ConfigDiff out;
  Walk(out).compare(before, after, "", rows, false);
  return out;
}

}  // namespace gatehouse::conf
