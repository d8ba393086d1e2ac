// forms.h: the kinds of plain value that gatehouse.yaml knows.
//   Each reads one text, says what to write instead when it can't, and writes the text that reads to the same value.
//   Bounds are inclusive.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/form.h"
#include "net/clock.h"
#include "net/http_place.h"
#include "net/ip.h"
#include "net/result.h"
#include "net/secret.h"

namespace gatehouse::conf {

// One text of its own grammar. `due` names it in the reference and in errors.
template <class T>
Form<T> plain(const std::string& due, const std::function<Result<T>(const std::string&, const Reading&)>& parse,
              const std::function<std::string(const T&)>& print) {
  return {.value = due,
          .read =
              [due, parse](const Yaml& yaml, T& into, Reading& reading) {
                const std::string* text = reading.text(yaml, due);
                if (text == nullptr) return;
                if (Result<T> value = parse(*text, reading))
                  into = std::move(*value);
                else
                  reading.error(yaml.at, value.error().what);
              },
          .write = [print](const T& from, const T*) { return Yaml::scalar(print(from)); }};
}

// One of these words.
template <class T>
Form<T> choice(const std::vector<std::pair<std::string, T>>& words) {
  std::string due;
  for (const auto& [word, value] : words) due += (due.empty() ? "" : ", ") + word;
  return plain<T>(
      due,
      [words, due](const std::string& text, const Reading&) -> Result<T> {
        std::vector<std::string_view> known;
        for (const auto& [word, value] : words) {
          if (word == text) return value;
          known.push_back(word);
        }
        return invalid(text + ": write " + (words.size() == 1 ? due : "one of " + due) +
                       did_you_mean(nearest(text, known)));
      },
      [words](const T& value) {
        for (const auto& [word, candidate] : words)
          if (candidate == value) return word;
        return std::string();
      });
}
Form<std::string> one_of(const std::vector<std::string>& words);

Form<bool> boolean();
Form<unsigned> number(unsigned least, unsigned most);
Form<unsigned> number_or_auto(unsigned least, unsigned most);  // auto: 0
Form<Millis> duration(Millis least, Millis most);
Form<Millis> duration_or_off(Millis most);  // off: 0
Form<std::uint64_t> size(std::uint64_t least, std::uint64_t most);
Form<std::uint64_t> rate_or_off(std::uint64_t most);  // bytes a second; off: 0
Form<SocketAddress> socket_address();
Form<IpPrefix> network();

Form<std::string> word();           // letters, digits, '.', '_', '-': a name for logs and commands
Form<std::string> word_or_empty();  // "" stands for none
Form<std::string> path();
Form<std::string> path_or_empty();
Form<std::string> path_or_none();  // none: empty
Form<HttpPlace> http_place(std::uint16_t usual_port,
                           std::uint16_t usual_tls_port);  // http(s)://HOST:PORT, unix:///PATH
Form<std::string> socket_path();                           // of a Unix socket: 107 bytes at most
Form<std::string> log_target();   // stdout, off, a path; without a slash it belongs to the folder of the logs
Form<std::string> certificate();  // file:NAME, none
Form<std::string> host_name();    // without stars
Form<std::string> host_name_or_empty();
Form<std::string> https_url();
Form<std::string> https_url_or_empty();
Form<std::string> server_or_empty();  // 192.0.2.1:53
Form<Secret> secret();                // a mapping of file or env
Form<std::string> mail_address();     // ops@example.org
Form<std::string> permit_pattern();   // *.example (one label), **.example (one or more)
Form<std::string> listen_pattern();   // 127.0.0.1:3306, 127.0.0.1:1024-65535

}  // namespace gatehouse::conf
