// form.h: how a value of the file becomes a member of a struct, and back.
//   A Form<T> reads, writes and names one kind of value; a Key<Struct> is a row of a section's table: a name, a
//   member, its form and a sentence of documentation. mapping, list, named and maybe build larger forms from smaller
//   ones, so the reader, the dump, the difference and the reference page all follow from the tables in
//   config_keys.cc. To add a key: a member in config.h and one row there.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/reading.h"
#include "conf/values.h"
#include "conf/yaml.h"

namespace gatehouse::conf {

// What is known of a key without its type: for messages, the reference page and completion.
struct KeyRow {
  std::string name, value, fallback, scope, meaning;
  bool required = false;
  bool at_start = false;   // a change takes a restart
  std::string inner_path;  // between this key and those within: ".", "[].", ".HOST."
  std::vector<KeyRow> inner;
};

template <class T>
struct Form {
  std::string value;                                     // its name in the reference: "duration"
  std::function<void(const Yaml&, T&, Reading&)> read;   // what it can't read it says, and leaves the value alone
  std::function<Yaml(const T&, const T* unless)> write;  // leaves out the keys that are as in `unless`
  std::string inner_path = {};
  std::vector<KeyRow> inner = {};
};

struct Notes {
  std::string_view fallback = {};  // the default, where it isn't simply the member's
  bool required = false;
  bool at_start = false;
};

template <class Struct>
struct Key : KeyRow {
  std::function<void(const Yaml&, Struct&, Reading&)> read;
  std::function<bool(const Struct&, const Struct&)> same;
  std::function<Yaml(const Struct&, const Struct* unless)> write;

  template <class T>
  Key(std::string key_name, T Struct::* member, const Form<T>& form, std::string sentence, Notes notes = {}) {
    describe(std::move(key_name), std::move(sentence), form);
    required = notes.required, at_start = notes.at_start, fallback = notes.fallback;
    if (fallback.empty() && inner.empty() && !required) fallback = inline_yaml(form.write(Struct{}.*member, nullptr));
    const auto shared = std::make_shared<const Form<T>>(form);
    read = [member, shared](const Yaml& yaml, Struct& into, Reading& reading) {
      shared->read(yaml, into.*member, reading);
    };
    same = [member](const Struct& a, const Struct& b) { return a.*member == b.*member; };
    write = [member, shared](const Struct& from, const Struct* unless) {
      return shared->write(from.*member, unless == nullptr ? nullptr : &(unless->*member));
    };
  }

  // A mapping in the file whose keys are members of the same struct.
  Key(std::string key_name, const Form<Struct>& group, std::string sentence)
      : read(group.read),
        same([group](const Struct& a, const Struct& b) { return group.write(a, &b).pairs.empty(); }),
        write(group.write) {
    describe(std::move(key_name), std::move(sentence), group);
  }

 private:
  template <class T>
  void describe(std::string key_name, std::string sentence, const Form<T>& form) {
    name = std::move(key_name), meaning = std::move(sentence);
    value = form.value, inner_path = form.inner_path, inner = form.inner;
  }
};

// A mapping with these keys and no others. `scope`: what they hold for ("node", "listener", "host"). `planned`: keys
// of later releases, refused in words of their own.
template <class Struct>
Form<Struct> mapping(const std::string& scope, std::vector<Key<Struct>> rows, std::vector<std::string> planned = {}) {
  Form<Struct> form{.value = "mapping", .inner_path = "."};
  for (Key<Struct>& key : rows) {
    key.scope = scope;
    form.inner.push_back(key);
  }
  // Shared: forms are copied into the larger ones, whose number of copies would grow with each level.
  const auto keys = std::make_shared<const std::vector<Key<Struct>>>(std::move(rows));
  form.read = [keys, planned](const Yaml& yaml, Struct& into, Reading& reading) {
    if constexpr (requires { into.at; }) into.at = {reading.position(yaml.at)};
    reading.pairs(yaml, [&](const Yaml& name, const Yaml& value) {
      std::vector<std::string_view> known;
      for (const Key<Struct>& key : *keys) {
        if (key.name == name.text) return key.read(value, into, reading);
        known.push_back(key.name);
      }
      if (std::find(planned.begin(), planned.end(), name.text) != planned.end())
        return reading.error(name.at, "unknown key: planned, but not carried yet; leave it out");
      reading.unknown_key(name, nearest(name.text, known));
    });
    const bool is_sound = yaml.kind == Yaml::Kind::mapping || yaml.kind == Yaml::Kind::null;
    for (const Key<Struct>& key : *keys)
      if (key.required && is_sound && yaml.find(key.name) == nullptr)
        reading.error(yaml.at, key.name + " is missing");
  };
  form.write = [keys](const Struct& from, const Struct* unless) {
    Yaml out = Yaml::mapping();
    for (const Key<Struct>& key : *keys) {
      if (unless != nullptr && key.same(from, *unless)) continue;
      Yaml value = key.write(from, unless);
      if (value.kind != Yaml::Kind::null) out.add(key.name, std::move(value));
    }
    return out;
  };
  return form;
}

// A list. Of plain values, one alone may stand without the brackets.
template <class T>
Form<std::vector<T>> list(const Form<T>& element) {
  const bool of_mappings = !element.inner.empty();
  Form<std::vector<T>> form{.value = of_mappings ? "list of mappings" : element.value + ", or a list",
                            .inner_path = "[].",
                            .inner = element.inner};
  const auto shared = std::make_shared<const Form<T>>(element);
  form.read = [shared, of_mappings](const Yaml& yaml, std::vector<T>& into, Reading& reading) {
    if (yaml.kind == Yaml::Kind::null) return;
    if (of_mappings && yaml.kind != Yaml::Kind::list)
      return reading.error(yaml.at, "a list is due here: start each entry with \"- \"");
    into.clear();
    if (yaml.kind != Yaml::Kind::list) return shared->read(yaml, into.emplace_back(), reading);
    for (std::size_t i = 0; i < yaml.items.size(); ++i) {
      const auto inside = reading.enter(i, yaml.items[i].at);
      shared->read(yaml.items[i], into.emplace_back(), reading);
    }
  };
  form.write = [shared](const std::vector<T>& from, const std::vector<T>* unless) {
    const T fresh{};
    Yaml out = Yaml::list();
    for (const T& item : from) out.items.push_back(shared->write(item, unless == nullptr ? nullptr : &fresh));
    return out;
  };
  return form;
}

// A list that is left out where it is empty: to write one with nothing in it is an error that says `what`. For lists
// that restrict: who lets in "nobody" would let in all.
template <class T>
Form<std::vector<T>> some(Form<std::vector<T>> list, const std::string& what) {
  list.read = [read = list.read, what](const Yaml& yaml, std::vector<T>& into, Reading& reading) {
    const bool empty = yaml.kind == Yaml::Kind::null || (yaml.kind == Yaml::Kind::list && yaml.items.empty());
    empty ? reading.error(yaml.at, what) : read(yaml, into, reading);
  };
  list.write = [write = list.write](const std::vector<T>& from, const std::vector<T>* unless) {
    return from.empty() ? Yaml() : write(from, unless);
  };
  return list;
}

// A mapping from names that the operator chooses. `check_name` gives the name's one form, or says what is wrong.
template <class T>
Form<std::map<std::string, T>> named(const std::string& placeholder, const Form<T>& element,
                                     const std::function<Result<std::string>(std::string_view)>& check_name) {
  Form<std::map<std::string, T>> form{
      .value = "mapping by " + placeholder, .inner_path = "." + placeholder + ".", .inner = element.inner};
  const auto shared = std::make_shared<const Form<T>>(element);
  form.read = [shared, check_name](const Yaml& yaml, std::map<std::string, T>& into, Reading& reading) {
    reading.pairs(yaml, [&](const Yaml& key, const Yaml& value) {
      const Result<std::string> name = check_name(key.text);
      T read{};
      shared->read(value, read, reading);
      if (!name)
        reading.error(key.at, name.error().what);
      else if (!into.emplace(*name, std::move(read)).second)
        reading.error(key.at, "given twice, as " + *name);
    });
  };
  form.write = [shared](const std::map<std::string, T>& from, const std::map<std::string, T>* unless) {
    const T fresh{};
    Yaml out = Yaml::mapping();
    for (const auto& [name, item] : from) out.add(name, shared->write(item, unless == nullptr ? nullptr : &fresh));
    return out;
  };
  return form;
}

// A value that may be absent, and then isn't written.
template <class T>
Form<std::optional<T>> maybe(const Form<T>& form) {
  return {.value = form.value,
          .read = [form](const Yaml& yaml, std::optional<T>& into,
                         Reading& reading) { form.read(yaml, into.emplace(), reading); },
          .write = [form](const std::optional<T>& from,
                          const std::optional<T>*) { return from ? form.write(*from, nullptr) : Yaml(); }};
}

}  // namespace gatehouse::conf
