#include "conf/reading.h"

#include <filesystem>

#include "conf/values.h"

namespace gatehouse::conf {
namespace {

std::string_view kind_text(Yaml::Kind kind) {
  switch (kind) {
    case Yaml::Kind::null: return "nothing";
    case Yaml::Kind::scalar: return "a single value";
    case Yaml::Kind::list: return "a list";
    case Yaml::Kind::mapping: return "a mapping (key: value)";
  }
  return "";
}

}  // namespace

Reading::Inside::Inside(Reading& reading, std::string_view step, Mark at)
    : reading_(reading), length_(reading.path_.size()) {
  if (length_ != 0 && !step.starts_with('[')) reading_.path_ += '.';
  reading_.path_ += step;
  reading_.positions.emplace(reading_.path_, reading_.position(at));
}

void Reading::error(Mark at, std::string what) {
  findings.push_back({position(at), path_, std::move(what), Severity::error});
}

void Reading::warn(Mark at, std::string what) {
  findings.push_back({position(at), path_, std::move(what), Severity::warning});
}

void Reading::unknown_key(const Yaml& key, std::string_view nearest) {
  error(key.at, "unknown key" + did_you_mean(nearest));
}

void Reading::pairs(const Yaml& mapping, const std::function<void(const Yaml&, const Yaml&)>& each) {
  if (mapping.kind != Yaml::Kind::mapping && mapping.kind != Yaml::Kind::null)
    return error(mapping.at, "a mapping (key: value) is due here, not " + std::string(kind_text(mapping.kind)));
  std::map<std::string_view, unsigned> lines;
  for (const auto& [key, value] : mapping.pairs) {
    if (key.kind != Yaml::Kind::scalar || key.text.empty()) {
      error(key.at, "a key must be a word, not " + std::string(kind_text(key.kind)));
      continue;
    }
    const auto inside = enter(key);
    const auto [first, is_new] = lines.emplace(key.text, key.at.line);
    if (!is_new)
      error(key.at, "given twice; the first is on line " + std::to_string(first->second));
    else if (key.text == "<<" && !key.quoted)
      error(key.at, "merge keys are not read; write the keys out");
    else
      each(key, value);
  }
}

const std::string* Reading::text(const Yaml& value, std::string_view due) {
  if (value.kind == Yaml::Kind::scalar) return &value.text;
  error(value.at, "write one value here (" + std::string(due) + "), not " + std::string(kind_text(value.kind)));
  return nullptr;
}

std::string Reading::absolute(std::string_view path) const {
  std::string out = (std::filesystem::path(around_.folder) / path).lexically_normal().string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

}  // namespace gatehouse::conf
