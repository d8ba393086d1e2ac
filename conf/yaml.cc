#include "conf/yaml.h"

#include <map>
#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace gatehouse::conf {
namespace {

struct Refusal {  // thrown through the parser, caught in parse_yaml
  Mark at;
  std::string what;
};

Mark mark_of(const YAML::Mark& mark) {
  return {static_cast<unsigned>(mark.line + 1), static_cast<unsigned>(mark.column + 1)};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The length of the character that text begins with; 0: not UTF-8 (RFC 3629: no surrogates, shortest form only).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate_or_beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || surrogate_or_beyond ? 0 : length;
}

bool starts_quote(std::string_view text, std::size_t start) {  // else it is a block value
  return start < text.size() && (text[start] == '"' || text[start] == '\'');
}

// Where the quote is that closes this one; npos: nowhere. yaml-cpp takes the end of the file for the end of a quoted
// value: a forgotten quote would swallow all that follows.
std::size_t closing_quote(std::string_view text, std::size_t start) {
  const char quote = text[start];
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return i;
      ++i;
    }
  }
  return std::string_view::npos;
}

// Builds the tree from the parser's events, inside the limits.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view text) : text_(text) {}
  Yaml take_root() { return std::move(root_); }
  // Of the quoted value read last, whose quote closes lines below it: then one was forgotten.
  std::optional<Mark> quote_over_lines() const {
    return last_quoted_.find('\n') == std::string_view::npos ? std::nullopt : std::optional(last_quote_);
  }
  Mark innermost_open() const { return open_.empty() ? Mark() : open_.back().node.at; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Refusal{mark_of(mark), "a second document starts here; a file holds one (or is the indentation wrong?)"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({.kind = Yaml::Kind::null, .at = mark_of(mark)}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refusal{mark_of(mark), "an alias inside what it stands for"};
    count(found->second, mark_of(mark));
    attach(found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    const bool quoted = tag == "!";
    if (quoted && mark.pos >= 0 && starts_quote(text_, static_cast<std::size_t>(mark.pos))) {
      const auto start = static_cast<std::size_t>(mark.pos);
      last_quote_ = mark_of(mark);
      last_quoted_ = text_.substr(start, closing_quote(text_, start) - start);
      if (closing_quote(text_, start) == std::string_view::npos)
        throw Refusal{mark_of(mark), "this quote is never closed"};
    }
    for (const char c : value)
      if (is_control(c)) throw Refusal{mark_of(mark), "a line break or another control character in a value"};
    add({.kind = Yaml::Kind::scalar, .text = value, .quoted = quoted, .at = mark_of(mark)}, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Yaml::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Yaml node;
    YAML::anchor_t anchor;
    std::optional<Yaml> key;
  };

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag != "?" && tag != "!" && !tag.empty())
      throw Refusal{mark_of(mark), "tags (" + tag + ") are not read; write the plain value"};
  }

  void count(const Yaml& node, Mark at) {
    if (++nodes_ > yaml_nodes_max) throw Refusal{at, "more than 100000 values, aliases followed"};
    if ((text_bytes_ += node.text.size()) > yaml_text_max) throw Refusal{at, "more than 4 MiB, aliases followed"};
    for (const Yaml& item : node.items) count(item, at);
    for (const auto& [key, value] : node.pairs) count(key, at), count(value, at);
  }

  void open(Yaml::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() >= yaml_depth_max) throw Refusal{mark_of(mark), "nested deeper than 32 levels"};
    open_.push_back({{.kind = kind, .at = mark_of(mark)}, anchor, std::nullopt});
    count(open_.back().node, mark_of(mark));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    remember(done.node, done.anchor);
    attach(std::move(done.node));
  }

  void add(Yaml node, YAML::anchor_t anchor) {
    count(node, node.at);
    remember(node, anchor);
    attach(std::move(node));
  }

  void remember(const Yaml& node, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return;
    count(node, node.at);  // a copy is kept
    anchors_.insert_or_assign(anchor, node);
  }

  void attach(Yaml node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (Open& parent = open_.back(); parent.node.kind == Yaml::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      if (node.kind == Yaml::Kind::null) node.at = parent.key->at;  // yaml-cpp names the end of what follows
      parent.node.pairs.push_back({std::move(*parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  std::string_view text_, last_quoted_;
  Mark last_quote_;
  Yaml root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  std::size_t nodes_ = 0, text_bytes_ = 0;
  unsigned documents_ = 0;
};

// What yaml-cpp's message begins with (some versions add a name), and what to tell an operator instead.
struct Wording {
  std::string_view said, words;
};
constexpr std::string_view quote_the_star =
    "YAML takes a * without quotes for an alias; write it in quotes, as in \"*\"";
const Wording wordings[] = {
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, quote_the_star},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, quote_the_star},
    {YAML::ErrorMsg::CHAR_IN_ALIAS, quote_the_star},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "no value starts with this character; write the value in quotes"},
    {YAML::ErrorMsg::MAP_VALUE, "no ':' can stand here; is the indentation right, or does a value need quotes?"},
};

std::string_view line_of(std::string_view text, unsigned line) {
  for (; line > 1 && !text.empty(); --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

Refusal explain(const YAML::Exception& error, std::string_view text, const Builder& builder) {
  const Mark at = mark_of(error.mark);
  const std::string_view line = line_of(text, at.line);
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos)
    return {at, "a tab in the indentation; write spaces"};
  if (line.find(" [:") != std::string_view::npos)
    return {at, "an address in brackets must stand in quotes, as in \"[::]:443\""};
  if (const auto quote = builder.quote_over_lines()) return {*quote, "this quote is not closed on its line"};
  if (error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW) return {builder.innermost_open(), "this { has no }"};
  if (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW) return {builder.innermost_open(), "this [ has no ]"};
  const bool ends_early = error.msg == YAML::ErrorMsg::END_OF_SEQ || error.msg == YAML::ErrorMsg::END_OF_MAP;
  if (ends_early && line.find_first_not_of(' ') + 1 == at.column)
    return {at, "this line is indented otherwise than those it belongs to, or lacks a \"- \" or a ':'"};
  for (const Wording& wording : wordings)
    if (error.msg.starts_with(wording.said)) return {at, std::string(wording.words)};
  return {at, "this is not YAML: " + error.msg};
}

// What yaml-cpp would let pass or mend in silence.
std::optional<Refusal> judge_bytes(std::string_view text) {
  if (text.size() > yaml_bytes_max) return Refusal{{}, "larger than 1 MiB"};
  Mark at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return Refusal{at, "this byte is not UTF-8"};
    const char c = text[i];
    if (is_control(c) && c != '\n' && c != '\t' && !(c == '\r' && text.substr(i + 1, 1) == "\n"))
      return Refusal{at, c == 0 ? "a NUL byte" : "a control character"};
    at = c == '\n' ? Mark{at.line + 1, 1} : Mark{at.line, at.column + static_cast<unsigned>(length)};
    i += length;
  }
  return std::nullopt;
}

ParsedYaml broken(const std::string& file, const Refusal& refusal) {
  return {{}, {{.at = {file, refusal.at.line, refusal.at.column}, .path = "", .what = refusal.what}}};
}

}  // namespace

Yaml Yaml::scalar(std::string text) { return {.kind = Kind::scalar, .text = std::move(text)}; }

Yaml Yaml::list() { return {.kind = Kind::list}; }

Yaml Yaml::mapping() { return {.kind = Kind::mapping}; }

void Yaml::add(std::string key, Yaml value) { pairs.push_back({scalar(std::move(key)), std::move(value)}); }

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& [name, value] : pairs)
    if (name.text == key) return &value;
  return nullptr;
}

bool Yaml::operator==(const Yaml& other) const {
  return kind == other.kind && text == other.text && items == other.items && pairs == other.pairs;
}

ParsedYaml parse_yaml(std::string_view text, const std::string& file) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);  // a byte order mark
  if (const auto refusal = judge_bytes(text)) return broken(file, *refusal);
  std::istringstream in{std::string(text)};
  Builder builder(text);
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return {builder.take_root(), {}};
  } catch (const Refusal& refusal) {
    return broken(file, refusal);
  } catch (const YAML::Exception& error) {
    return broken(file, explain(error, text, builder));
  } catch (const std::exception& error) {
    return broken(file, {{}, std::string("this is not YAML: ") + error.what()});
  }
}

}  // namespace gatehouse::conf
