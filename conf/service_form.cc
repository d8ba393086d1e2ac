#include "conf/service_form.h"

#include <algorithm>

#include "conf/forms.h"
#include "conf/service_keys.h"
#include "conf/words.h"

namespace gatehouse::conf {
namespace {

// "on: [connect, stale]" is on=connect,stale.
std::optional<std::string> option_value(const Yaml& value, Reading& reading) {
  if (value.kind != Yaml::Kind::list) {
    const std::string* text = reading.text(value, "text");
    return text == nullptr ? std::nullopt : std::optional(*text);
  }
  std::string out;
  for (const Yaml& item : value.items) {
    const std::string* text = reading.text(item, "text");
    if (text == nullptr) return std::nullopt;
    out += (out.empty() ? "" : ",") + *text;
  }
  return out;
}

// { value: /status, interval: 5s } is "/status interval=5s".
std::optional<std::string> text_of_mapping(const Yaml& mapping, Reading& reading) {
  std::string head, options;
  bool sound = true;
  reading.pairs(mapping, [&](const Yaml& name, const Yaml& value) {
    const auto text = option_value(value, reading);
    sound = sound && text;
    if (!text) return;
    if (name.text == "value")
      head = quoted_word(*text);
    else
      options += " " + quoted_word(name.text + "=" + *text);
  });
  if (!sound) return std::nullopt;
  return head.empty() ? options.substr(std::min<std::size_t>(options.size(), 1)) : head + options;
}

// Relative paths belong to the folder of the file; whoever uses the setting later does not know it.
std::string with_absolute_path(std::string_view key, const std::string& text, const Reading& reading) {
  if (key != "pages" && key != "tls_ca" && key != "files") return text;
  const Result<Words> words = parse_words(text, Head::required);
  if (!words) return text;  // review_layer says what is wrong with it
  const std::string& head = words->head;
  const std::size_t path = key == "pages" ? head.find(':') + 1 : 0;
  if (path == head.size() || (key == "pages" && path == 0) || (key == "tls_ca" && head == "system")) return text;
  std::string out = quoted_word(head.substr(0, path) + reading.absolute(head.substr(path)));
  for (const Option& option : words->options) out += " " + quoted_word(option.name + "=" + option.value);
  return out;
}

void read_setting(const ServiceKey& key, const Yaml& yaml, std::vector<Setting>& into, Reading& reading) {
  std::optional<std::string> text;
  if (yaml.kind == Yaml::Kind::mapping)
    text = text_of_mapping(yaml, reading);
  else if (const std::string* plain = reading.text(yaml, key.value_form))
    text = *plain;
  if (text) into.push_back({with_absolute_path(key.name, *text, reading), reading.position(yaml.at)});
}

void read_key(const Yaml& name, const Yaml& value, ServiceLayer& into, Reading& reading) {
  const ServiceKey* key = find_service_key(name.text);
  if (key == nullptr) return reading.unknown_key(name, nearest_service_key(name.text));
  std::vector<Setting> settings;
  if (value.kind != Yaml::Kind::list) {
    read_setting(*key, value, settings, reading);
  } else if (!key->repeatable) {
    reading.error(value.at, "one value is due here, not a list");
  } else if (value.items.empty()) {  // of `allow` it would let in all
    reading.error(value.at, "nothing is said here; write " + std::string(key->value_form) + ", or leave the key out");
  } else {
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      const auto inside = reading.enter(i, value.items[i].at);
      read_setting(*key, value.items[i], settings, reading);
    }
  }
  if (!settings.empty()) into.settings[name.text] = std::move(settings);
}

Yaml write_settings(const std::vector<Setting>& settings) {
  if (settings.size() == 1) return Yaml::scalar(settings[0].value);
  Yaml out = Yaml::list();
  for (const Setting& setting : settings) out.items.push_back(Yaml::scalar(setting.value));
  return out;
}

}  // namespace

Form<ServiceLayer> service() {
  return {.value = "mapping",
          .read =
              [](const Yaml& yaml, ServiceLayer& into, Reading& reading) {
                into.spelling = "yaml";
                reading.pairs(yaml,
                              [&](const Yaml& name, const Yaml& value) { read_key(name, value, into, reading); });
              },
          .write =
              [](const ServiceLayer& from, const ServiceLayer*) {
                Yaml out = Yaml::mapping();
                for (const auto& [name, settings] : from.settings) out.add(name, write_settings(settings));
                return out;
              }};
}

Form<std::string> service_name() {
  return plain<std::string>(
      "service", [](const std::string& text, const Reading&) { return check_service_name(text); },
      [](const std::string& text) { return text; });
}

Form<std::string> service_name_or_none() {
  return plain<std::string>(
      "service, none",
      [](const std::string& text, const Reading&) {
        return text == "none" ? Result(std::string()) : check_service_name(text);
      },
      [](const std::string& value) { return value.empty() ? "none" : value; });
}

Result<std::string> check_service_name(std::string_view text) {
  const bool good = std::all_of(text.begin(), text.end(),
                                [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != '"' && c != '\\'; });
  if (text.empty() || text.size() > 128 || !good)
    return invalid(std::string(text) + ": a service's name is 1 to 128 characters, without spaces and slashes");
  return std::string(text);
}

}  // namespace gatehouse::conf
