#include "ratelimit/fail2ban_conf.h"

#include <algorithm>

#include "conf/words.h"

namespace gatehouse::ratelimit {
namespace {

constexpr unsigned levels_max = 16;

using conf::lower, conf::trimmed;

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 1; i < line.size(); ++i)
    if (line[i] == ';' && (line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
  return line;
}

class Reader {
 public:
  Reader(const std::string& file, Fail2banConf& out) : file_(file), out_(out) {}

  // False: no more is read.
  bool take(std::string_view raw) {
    ++number_;
    const std::string_view line = trimmed(without_comment(raw));
    if (line.empty() || raw.front() == '#' || raw.front() == ';' || line.starts_with('#')) return true;
    if (raw.front() == ' ' || raw.front() == '\t') return go_on(line);
    if (line.front() == '[') return open(line);
    const std::size_t end = line.find_first_of("=:");
    if (end == line.npos || end == 0) return error(conf::printable(line, 64) + ": write OPTION = VALUE");
    if (section_ == nullptr) return error("an option stands before the first [section]");
    if (++options_ > fail2ban_options_max) {
      error("more than " + std::to_string(fail2ban_options_max) + " options");
      return false;
    }
    section_->options.push_back(
        {lower(trimmed(line.substr(0, end))), std::string(trimmed(line.substr(end + 1))), number_});
    may_go_on_ = true;
    return true;
  }

 private:
  bool error(std::string what) {
    out_.findings.push_back({{file_, number_, 1}, "", std::move(what)});
    return true;
  }
  bool go_on(std::string_view line) {
    if (!may_go_on_) return error("a line that begins with a blank goes on with an option, and there is none");
    section_->options.back().value += "\n" + std::string(line);
    return true;
  }
  bool open(std::string_view line) {
    may_go_on_ = false;
    if (line.back() != ']') return error("a section's name ends with ]");
    const std::string name(trimmed(line.substr(1, line.size() - 2)));
    section_ = &out_.defaults;
    if (name == "DEFAULT") return out_.defaults.line = number_, true;
    const auto known = std::find_if(out_.sections.begin(), out_.sections.end(),
                                    [&](const Fail2banSection& each) { return each.name == name; });
    if (known != out_.sections.end()) return section_ = &*known, true;
    section_ = &out_.sections.emplace_back(Fail2banSection{name, number_, {}});
    return true;
  }

  const std::string& file_;
  Fail2banConf& out_;
  Fail2banSection* section_ = nullptr;  // until the next one is added
  unsigned number_ = 0;
  std::size_t options_ = 0;
  bool may_go_on_ = false;
};

}  // namespace

const Fail2banOption* Fail2banSection::find(std::string_view wanted) const {
  const auto found = std::find_if(options.rbegin(), options.rend(),
                                  [&](const Fail2banOption& option) { return option.name == wanted; });
  return found == options.rend() ? nullptr : &*found;
}

std::optional<std::string> Fail2banConf::expand(const std::string& value, const Fail2banSection& section) const {
  std::string out = value;
  for (unsigned level = 0; level < levels_max; ++level) {
    const std::size_t begin = out.find("%(");
    if (begin == out.npos) return out;
    std::string next;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t from = std::min(out.find("%(", at), out.size());
      next.append(out, at, from - at);
      if (from == out.size()) break;
      const std::size_t to = out.find(")s", from);
      if (to == out.npos) return std::nullopt;
      const std::string name = lower(std::string_view(out).substr(from + 2, to - from - 2));
      const Fail2banOption* said = section.find(name);
      if (said == nullptr) said = defaults.find(name);
      if (said == nullptr && name != "__name__") return std::nullopt;
      next += said != nullptr ? said->value : section.name;
      at = to + 2;
      if (next.size() > expanded_bytes_max) return std::nullopt;
    }
    out = std::move(next);
  }
  return std::nullopt;
}

Fail2banConf read_fail2ban_conf(std::string_view text, const std::string& file) {
  Fail2banConf out;
  out.defaults.name = "DEFAULT";
  Reader reader(file, out);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!reader.take(text.substr(0, end))) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace gatehouse::ratelimit
