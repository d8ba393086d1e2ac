#include "conf/forms.h"

#include <algorithm>

#include "conf/host_pattern.h"
#include "conf/service_keys.h"
#include "conf/service_values.h"

namespace gatehouse::conf {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string same_text(const std::string& text) { return text; }

Result<std::string> check_word(const std::string& text) {
  const bool good = std::all_of(text.begin(), text.end(),
                                [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
  if (text.empty() || text.size() > 253 || !good)
    return invalid(text + ": write a name of letters, digits, '.', '_' and '-'");
  return text;
}

std::string address_hint(std::string_view text) {
  const std::string_view host = text.substr(0, text.find(':'));
  const bool is_name = host.find_first_not_of("0123456789.[") != std::string_view::npos;
  if (host == "*") return "write \"[::]:80\" for all addresses, with your port";
  if (is_name && text.find(':') == text.rfind(':'))
    return "names are not taken here; write an address and a port, as in 127.0.0.1:80, or \"[::]:80\" for all "
           "addresses";
  return "write an address and a port, as in 127.0.0.1:80, \"[::]:443\" or :8080";
}

}  // namespace

Form<std::string> one_of(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(words.size());
  for (const std::string& word : words) pairs.emplace_back(word, word);
  return choice(pairs);
}

Form<bool> boolean() {
  return plain<bool>(
      "true, false", [](const std::string& text, const Reading&) { return parse_bool(text); },
      [](const bool& value) { return std::string(value ? "true" : "false"); });
}

Form<unsigned> number(unsigned least, unsigned most) {
  return plain<unsigned>(
      std::to_string(least) + " to " + std::to_string(most),
      [=](const std::string& text, const Reading&) { return parse_number(text, least, most); },
      [](const unsigned& value) { return std::to_string(value); });
}

Form<unsigned> number_or_auto(unsigned least, unsigned most) {
  const std::string due = "auto, or " + std::to_string(least) + " to " + std::to_string(most);
  return plain<unsigned>(
      due,
      [=](const std::string& text, const Reading&) -> Result<unsigned> {
        if (text == "auto") return 0u;
        const auto value = parse_number(text, least, most);
        return value ? value : invalid(text + ": write " + due);
      },
      [](const unsigned& value) { return value == 0 ? "auto" : std::to_string(value); });
}

Form<Millis> duration(Millis least, Millis most) {
  return plain<Millis>(
      "duration, " + duration_text(least) + " to " + duration_text(most),
      [=](const std::string& text, const Reading&) { return parse_span(text, least, most, false); },
      [](const Millis& value) { return duration_text(value); });
}

Form<Millis> duration_or_off(Millis most) {
  return plain<Millis>(
      "off, or a duration up to " + duration_text(most),
      [=](const std::string& text, const Reading&) { return parse_span(text, 1ms, most, true); },
      [](const Millis& value) { return value == 0ms ? "off" : duration_text(value); });
}

Form<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  const std::string range = size_text(least) + " to " + size_text(most);
  return plain<std::uint64_t>(
      "size, " + range,
      [=](const std::string& text, const Reading&) {
        Result<std::uint64_t> value = parse_size(text);
        return value && (*value < least || *value > most) ? invalid(text + ": write a size from " + range) : value;
      },
      [](const std::uint64_t& value) { return size_text(value); });
}

Form<std::uint64_t> rate_or_off(std::uint64_t most) {
  return plain<std::uint64_t>(
      "off, or a rate up to " + size_text(most) + "/s",
      [=](const std::string& text, const Reading&) -> Result<std::uint64_t> {
        if (text == "off") return std::uint64_t{0};
        const auto value = parse_size(std::string_view(text).substr(0, text.size() - 2));
        if (!text.ends_with("/s") || !value || *value == 0 || *value > most)
          return invalid(text + ": write off, or bytes a second up to " + size_text(most) + "/s, as in 1KiB/s");
        return *value;
      },
      [](const std::uint64_t& value) { return value == 0 ? "off" : size_text(value) + "/s"; });
}

Form<SocketAddress> socket_address() {
  return plain<SocketAddress>(
      "address:port",
      [](const std::string& text, const Reading&) -> Result<SocketAddress> {
        if (const auto address = SocketAddress::parse(text)) return *address;
        return invalid(text + ": " + address_hint(text));
      },
      [](const SocketAddress& value) { return value.text(); });
}

Form<IpPrefix> network() {
  Form<IpPrefix> form = plain<IpPrefix>(
      "network",
      [](const std::string& text, const Reading&) -> Result<IpPrefix> {
        if (const auto prefix = IpPrefix::parse(text)) return *prefix;
        return invalid(text + ": write a network, as in 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
      },
      [](const IpPrefix& value) { return value.text(); });
  form.read = [read = form.read](const Yaml& yaml, IpPrefix& into, Reading& reading) {
    read(yaml, into, reading);
    if (const std::string meant = network_meant(yaml.text); !meant.empty()) reading.warn(yaml.at, meant);
  };
  return form;
}

Form<std::string> word() {
  return plain<std::string>(
      "name", [](const std::string& text, const Reading&) { return check_word(text); }, same_text);
}

Form<std::string> word_or_empty() {
  return plain<std::string>(
      "name", [](const std::string& text, const Reading&) { return text.empty() ? Result(text) : check_word(text); },
      same_text);
}

Form<std::string> path() {
  return plain<std::string>(
      "path",
      [](const std::string& text, const Reading& reading) -> Result<std::string> {
        if (text.empty()) return invalid("an empty path");
        return reading.absolute(text);
      },
      same_text);
}

Form<std::string> path_or_empty() {
  return plain<std::string>(
      "path",
      [](const std::string& text, const Reading& reading) -> Result<std::string> {
        return text.empty() ? Result(text) : reading.absolute(text);
      },
      same_text);
}

Form<std::string> path_or_none() {
  return plain<std::string>(
      "path, none",
      [](const std::string& text, const Reading& reading) -> Result<std::string> {
        if (text.empty()) return invalid("an empty path; write none for none");
        return text == "none" ? std::string() : reading.absolute(text);
      },
      [](const std::string& value) { return value.empty() ? "none" : value; });
}

Form<HttpPlace> http_place(std::uint16_t usual_port, std::uint16_t usual_tls_port) {
  return plain<HttpPlace>(
      "URL",
      [=](const std::string& text, const Reading&) { return HttpPlace::parse(text, usual_port, usual_tls_port); },
      [](const HttpPlace& place) { return place.text(); });
}

Form<std::string> socket_path() {
  return plain<std::string>(
      "path",
      [](const std::string& text, const Reading& reading) -> Result<std::string> {
        const std::string absolute = reading.absolute(text);
        if (text.empty() || absolute.size() > 107)  // sun_path
          return invalid(absolute + ": the path of a Unix socket has 1 to 107 bytes");
        return absolute;
      },
      same_text);
}

Form<std::string> log_target() {
  return plain<std::string>(
      "path, stdout, off",
      [](const std::string& text, const Reading& reading) -> Result<std::string> {
        if (text == "stdout" || text == "off") return text;
        if (text.empty() || text == "stderr" || text == "journald" || text == "syslog" || text == "none")
          return invalid((text.empty() ? "nothing" : text) + ": write stdout, off or a file's path");
        if (text.find('/') != std::string::npos) return reading.absolute(text);
        const std::string& folder = reading.around().logs_directory;
        return (folder.empty() ? "/var/log/gatehouse" : folder) + "/" + text;
      },
      same_text);
}

Form<std::string> certificate() {
  return {.value = "file:NAME, none",
          .read =
              [](const Yaml& yaml, std::string& into, Reading& reading) {
                const std::string* text = reading.text(yaml, "file:NAME, none");
                if (text == nullptr) return;
                if (const auto wrong = check_setting("certificate", *text, Trust::file_only))
                  return reading.error(yaml.at, *wrong);
                if (const auto ignored = not_carried("certificate", *text)) reading.warn(yaml.at, ignored->what);
                into = *text;
              },
          .write = [](const std::string& from,
                      const std::string*) { return from.empty() ? Yaml() : Yaml::scalar(from); }};
}

Result<std::string> read_host_name(const std::string& text) {
  Result<std::string> host = parse_route_host(text);
  return host && host->starts_with('*') ? invalid(text + ": write one name, without a star") : host;
}

Form<std::string> host_name() {
  return plain<std::string>(
      "host", [](const std::string& text, const Reading&) { return read_host_name(text); }, same_text);
}

Form<std::string> host_name_or_empty() {
  return plain<std::string>(
      "host",
      [](const std::string& text, const Reading&) { return text.empty() ? Result(text) : read_host_name(text); },
      same_text);
}

namespace {

Result<std::string> read_https_url(const std::string& text) {
  const std::string_view host = std::string_view(text).substr(std::min<std::size_t>(text.size(), 8));
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!text.starts_with("https://") || host.empty() || host.starts_with('/') || !plain)
    return invalid(text + ": write a URL, as in https://ca.example/directory");
  return text;
}

}  // namespace

Form<std::string> https_url() {
  return plain<std::string>(
      "https URL", [](const std::string& text, const Reading&) { return read_https_url(text); }, same_text);
}

Form<std::string> https_url_or_empty() {
  return plain<std::string>(
      "https URL",
      [](const std::string& text, const Reading&) { return text.empty() ? Result(text) : read_https_url(text); },
      same_text);
}

Form<std::string> server_or_empty() {
  return plain<std::string>(
      "address",
      [](const std::string& text, const Reading&) {
        const bool good = text.empty() || SocketAddress::parse(text);
        return good ? Result(text) : Result<std::string>(invalid(text + ": write ADDRESS:PORT, as in 192.0.2.1:53"));
      },
      [](const std::string& value) { return value; });
}

Form<Secret> secret() {
  return mapping<Secret>(
      "secret", {
                    {"file", &Secret::file, path_or_empty(), "the file that holds it; others must not read it"},
                    {"env", &Secret::env, word_or_empty(), "the variable of the environment that holds it"},
                });
}

Form<std::string> mail_address() {
  return plain<std::string>(
      "mail address",
      [](const std::string& text, const Reading&) -> Result<std::string> {
        const std::string address = text.starts_with("mailto:") ? text.substr(7) : text;
        const std::size_t at = address.find('@');
        const bool plain = std::all_of(address.begin(), address.end(),
                                       [](char c) { return c > ' ' && c < '\x7f' && c != ',' && c != '?'; });
        if (at == 0 || at == address.npos || at + 1 == address.size() || address.find('@', at + 1) != address.npos ||
            !plain)
          return invalid(text + ": write one address of mail, as in ops@example.org");
        return address;
      },
      same_text);
}

Form<std::string> permit_pattern() {
  return plain<std::string>(
      "host pattern", [](const std::string& text, const Reading&) { return parse_permit_pattern(text); }, same_text);
}

Form<std::string> listen_pattern() {
  return plain<std::string>(
      "address:port or address:port-port",
      [](const std::string& text, const Reading&) -> Result<std::string> {
        const std::size_t dash = text.rfind('-');
        const auto first = SocketAddress::parse(std::string_view(text).substr(0, dash));
        const auto last = dash == std::string::npos ? Result<unsigned>(65535u)
                                                    : parse_number(std::string_view(text).substr(dash + 1), 1, 65535);
        if (!first || first->port == 0 || !last || *last < first->port)
          return invalid(text + ": write an address and a port or ports, as in 127.0.0.1:3306 or " +
                         "127.0.0.1:1024-65535");
        return text;
      },
      same_text);
}

}  // namespace gatehouse::conf
