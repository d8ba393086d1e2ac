// yaml.h: a YAML document as a plain tree that knows where every piece stood in the file.
//   parse_yaml reads one document; print_yaml writes one that parses to the same tree. This is the only place that
//   sees yaml-cpp; none of its exceptions leave. Pure: text in, tree out.
//   Limits: 1 MiB of text, 32 levels, 100,000 nodes and 4 MiB of text after aliases are followed (an alias is a
//   copy), so that a file of nested aliases cannot grow without end. Refused: tags (!x), a second document, control
//   characters in values, what isn't UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/finding.h"

namespace gatehouse::conf {

struct Mark {
  unsigned line = 0, column = 0;  // from 1; 0: not from a file
};

struct YamlPair;

struct Yaml {
  enum class Kind { null, scalar, list, mapping };
  Kind kind = Kind::null;
  std::string text;             // of a scalar
  bool quoted = false;          // of a scalar: it stood in quotes, so that "<<" or "~" is just text
  std::vector<Yaml> items;      // of a list
  std::vector<YamlPair> pairs;  // of a mapping, in the file's order; a key given twice is there twice
  Mark at;

  static Yaml scalar(std::string text);
  static Yaml list();
  static Yaml mapping();
  void add(std::string key, Yaml value);         // to a mapping
  const Yaml* find(std::string_view key) const;  // of a mapping; nullptr: not there

  bool operator==(const Yaml& other) const;  // of content: positions and quotes don't count
};

struct YamlPair {
  Yaml key, value;
  bool operator==(const YamlPair&) const = default;
};

struct ParsedYaml {
  Yaml root;          // null when the text is empty, or broken
  Findings findings;  // empty: it is sound. YAML can't be read on after a syntax error, so there is one at most
};

inline constexpr std::size_t yaml_bytes_max = 1 << 20;
inline constexpr unsigned yaml_depth_max = 32;
inline constexpr std::size_t yaml_nodes_max = 100'000;
inline constexpr std::size_t yaml_text_max = 4 << 20;

ParsedYaml parse_yaml(std::string_view text, const std::string& file);
std::string print_yaml(const Yaml& root);   // block style; a list of plain values stands on its key's line
std::string inline_yaml(const Yaml& node);  // one line: [a, b], { key: value }

}  // namespace gatehouse::conf
