#include "conf/reference.h"

#include "conf/config_keys.h"
#include "conf/service_keys.h"

namespace gatehouse::conf {
namespace {

constexpr std::string_view introduction = R"(# Reference: gatehouse.yaml

This page is made from the tables that the program itself reads by; [configuration](../configuration.md) tells how the
file is used. Every key is optional but for those marked *required*: an empty file is a working configuration.
`gatehouse check -c FILE --print --defaults` shows the file that holds, defaults included.

- **Durations** carry a unit, `500ms`, `2s`, `5m`, `1h`, `7d`, `1w`, or several, `1h30m`. **Sizes** are bytes, or carry
  one: `64KiB`, `2GiB` (of 1024), `10MB` (of 1000). **Rates** are sizes a second: `1KiB/s`.
- **Networks** are written `10.0.0.0/8`, `2001:db8::/32`, or as one address. **Addresses with a port** are written
  `127.0.0.1:80`, `"[::]:443"` (YAML wants the quotes), `:8080` (all addresses).
- **Hosts** are names, `*.example` (one label more) or `**.example` (one or more); write those in quotes too.
- **Relative paths** belong to the folder of the file; names of logs without a slash to `$LOGS_DIRECTORY`, else
  `/var/log/gatehouse`.
- **Secrets** are never in this file. Private keys lie in `certificates.files`.
- **A key that takes several values** takes one alone, without brackets, too.
- **Errors** say file, line and column, the key, and what to write instead; all errors of a file come at once.

*Scope* is what a value holds for. *Trust* is who may say it: `file` is this file alone, `tags` is the tags of a service
in the catalog as well.
)";

constexpr std::string_view service_introduction = R"(
## Keys of a service

They stand in `services:` and in the tags of a service as `gatehouse.KEY=VALUE`; for each key this file comes first, then
the tags, then Consul's config entries, then `"*"`, then the default, while routes are added up. A key of scope *route*
may stand at the service, for all its routes, or in a route as an option: `"learn.example/big max_body=2GiB"`. Those
marked *host* may stand in `hosts:` too. A value with options is written as the tag's string or as a mapping, with the
value itself under `value`:

```yaml
services:
  shop:
    route: ["shop.example", "shop.example/upload max_body=2GiB timeout=5m"]
    health: { value: /status, interval: 5s }        # the same as "/status interval=5s"
```
)";

constexpr std::string_view after_service_keys = R"(
### Redirects

`redirect=CODE,URL`, with code 301, 302, 303, 307 or 308. In the URL, `$host` is the host that was asked for *without* its
port, `$path` the whole path, *with* the part that the route matched, and `$query` what follows the `?`; where the URL
doesn't say `$query`, it is added. A URL that begins with `/` leads to the same scheme, host and port.

| route | asked for | answered with `Location:` |
| --- | --- | --- |
| `a.example redirect=301,https://b.example$path` | `http://a.example:8080/x?y=1` | `https://b.example/x?y=1` |
| `a.example/old redirect=301,https://$host/new` | `http://a.example:8080/old/x` | `https://a.example/new` |
| `a.example/old redirect=308,/new$path` | `http://a.example:8080/old/x` | `/new/old/x` |

A redirect that would lead back to itself is answered with 400. To https leads the key `http`, port included.

### Certificates

A handshake gets the certificate that `certificate` assigns to the host named by SNI; else one that covers it, exactly or
by a wildcard. A client that names no host, or one that no certificate covers, gets the first of the folder by name; where
there is none, a placeholder that nobody trusts. A request over TLS for a host that the certificate of its connection
doesn't cover is answered with 421; without TLS a host that has no certificate is served plain, unless `http` says
otherwise.
)";

constexpr std::string_view table_head =
    "\n| key | value | default | scope | trust | meaning |\n| --- | --- | --- | --- | --- | --- |\n";

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string line(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& text : cells) out += " " + cell(text) + " |";
  return out + "\n";
}

std::string row_line(const std::string& path, const KeyRow& row) {
  const bool is_nothing = row.fallback == "[]" || row.fallback == "\"\"";
  return line({"`" + path + "`", row.value,
               row.required ? "*required*"
               : is_nothing ? "none"
                            : row.fallback,
               row.scope, "file", row.meaning + (row.at_start ? ". A change takes a restart" : "")});
}

std::string rows_within(const std::string& path, const KeyRow& parent) {
  std::string out;
  for (const KeyRow& row : parent.inner) {
    const std::string inner_path = path + parent.inner_path + row.name;
    out += row_line(inner_path, row) + rows_within(inner_path, row);
  }
  return out;
}

std::string service_table() {
  std::string out(table_head);
  for (const ServiceKey& key : service_keys()) {
    constexpr std::string_view scopes[] = {"service", "route", "host", "instance"};
    std::string scope(scopes[static_cast<std::size_t>(key.scope)]);
    if (key.on_host && key.scope != Scope::host) scope += ", host";
    std::string meaning(key.meaning);
    if (key.repeatable) meaning += ". May be said several times";
    if (!key.carried) meaning += ". *Not carried yet*";
    out += line({"`" + std::string(key.name) + "`", std::string(key.value_form), std::string(key.fallback), scope,
                 key.trust == Trust::tags ? "tags" : "file", meaning});
  }
  return out;
}

}  // namespace

std::string reference_page() {
  std::string plain(table_head), sections;
  for (const KeyRow& row : config_form().inner) {
    if (row.inner.empty() && row.name != "services") {
      plain += row_line(row.name, row);
      continue;
    }
    sections += "\n## " + row.name + "\n\n" + row.meaning + "\n";
    if (!row.inner.empty()) sections += std::string(table_head) + rows_within(row.name, row);
  }
  return std::string(introduction) + "\n## Plain keys\n" + plain + sections + std::string(service_introduction) +
         service_table() + std::string(after_service_keys);
}

}  // namespace gatehouse::conf
