// input_history.h: what the last few routing tables were made of, to go back to. Pure.
//   An instance that did not change is kept once, and so are the config entries of a source.
//   Threads  one (control).
//   Limits   most tables.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/catalog/snapshot.h"

namespace gatehouse::catalog {

class InputHistory {
 public:
  static constexpr std::size_t most = 10;

  // Numbers ascend.
  void add(std::uint64_t number, const std::vector<SourceInstances>& input);
  std::optional<std::vector<SourceInstances>> find(std::uint64_t number) const;
  std::vector<std::uint64_t> numbers() const;

 private:
  using Shared = std::vector<std::shared_ptr<const conf::Instance>>;
  struct Kept {
    std::string source;
    Shared instances;
    std::shared_ptr<const std::map<std::string, std::string>> entries;
  };
  struct Entry {
    std::uint64_t number = 0;
    std::vector<Kept> sources;
  };

  Kept share(const SourceInstances& source) const;

  std::deque<Entry> entries_;
};

// What would become different, a sentence each: "service web: n1/web-2 would be added (10.0.0.2:80)".
std::vector<std::string> differences(const std::vector<SourceInstances>& now,
                                     const std::vector<SourceInstances>& then);

}  // namespace gatehouse::catalog
