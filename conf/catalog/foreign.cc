#include "conf/catalog/foreign.h"

#include <algorithm>

namespace gatehouse::catalog {

void TagVerdict::add(std::string_view reason) {
  if (why.find(reason) != std::string::npos) return;
  if (!why.empty()) why += "; ";
  why += reason;
}

void TagVerdict::differs(std::string_view how) {
  if (fit == Fit::exact) fit = Fit::approximate;
  add(how);
}

void TagVerdict::loses(std::string_view what) {
  differs(what);
  if (!told) told = conf::Severity::warning;
}

void TagVerdict::is_unmapped(std::string_view reason, std::optional<conf::Severity> severity) {
  fit = Fit::unmapped;
  add(reason);
  told = std::max(told, severity);
}

void TagVerdict::becomes(std::string setting) {
  if (std::find(native.begin(), native.end(), setting) == native.end()) native.push_back(std::move(setting));
}

void say(ForeignTags& out, TagVerdict& verdict, const std::string& key, conf::Setting setting) {
  verdict.becomes(key + "=" + setting.value);
  std::vector<conf::Setting>& settings = out.layer.settings[key];
  if (std::find(settings.begin(), settings.end(), setting) == settings.end()) settings.push_back(std::move(setting));
}

const SocketAddress* tls_address(const SpellingContext& context) {
  const auto found = std::find_if(context.listen.begin(), context.listen.end(), [](const auto& l) { return l.tls; });
  return found == context.listen.end() ? nullptr : &found->address;
}

}  // namespace gatehouse::catalog
