// reading.h: one pass over a YAML tree: where we are in it, what was found wrong, what the world around looks like.
//   Surroundings are the facts that defaults and relative paths depend on: gathered by reader_io.h, or by tests.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "conf/finding.h"
#include "conf/yaml.h"

namespace gatehouse::conf {

struct Surroundings {
  std::string folder = "/";  // of the file, absolute: relative paths belong to it
  std::string host_name = "localhost";
  bool low_ports = false;  // may bind ports below 1024: root, or CAP_NET_BIND_SERVICE
  // What systemd sets for a unit: $STATE_DIRECTORY, $RUNTIME_DIRECTORY, $LOGS_DIRECTORY. Empty: not set.
  std::string state_directory, runtime_directory, logs_directory;
};

class Reading {
 public:
  Reading(std::string file, const Surroundings& around) : around_(around), file_(std::move(file)) {
    positions.emplace("", Position{file_});
  }

  // While it lives, findings belong to the key entered: "limits", "listen[1]", "listen[1].address".
  class Inside {
   public:
    Inside(Reading& reading, std::string_view step, Mark at);
    ~Inside() { reading_.path_.resize(length_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Reading& reading_;
    std::size_t length_;
  };
  [[nodiscard]] Inside enter(const Yaml& key) { return {*this, key.text, key.at}; }
  [[nodiscard]] Inside enter(std::size_t index, Mark at) { return {*this, "[" + std::to_string(index) + "]", at}; }

  void error(Mark at, std::string what);
  void warn(Mark at, std::string what);
  void unknown_key(const Yaml& key, std::string_view nearest);

  // Calls `each` for every sound pair of a mapping and says what is wrong with the others: keys given twice, merge
  // keys, keys that aren't words. What isn't a mapping is said so too; an empty value counts as an empty mapping.
  void pairs(const Yaml& mapping, const std::function<void(const Yaml& key, const Yaml& value)>& each);
  // The text of a plain value; nullptr, and said so, when it is a list, a mapping or missing. `due`: "duration".
  const std::string* text(const Yaml& value, std::string_view due);

  Position position(Mark at) const { return {file_, at.line, at.column}; }
  std::string absolute(std::string_view path) const;
  const Surroundings& around() const { return around_; }

  Findings findings;
  Positions positions;

 private:
  const Surroundings& around_;
  std::string file_, path_;
};

}  // namespace gatehouse::conf
