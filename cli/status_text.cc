#include "cli/status_text.h"

#include <algorithm>

#include "cli/ban_view.h"
#include "cli/text.h"

namespace gatehouse::cli {
namespace {

constexpr std::int64_t days_left_short = 14;
constexpr std::size_t names_shown = 3;

// Looking into JSON that may hold less than we know of.
class Look {
 public:
  explicit Look(const json::value* value) : value_(value) {}
  explicit Look(const json::object& object, std::string_view name) : value_(object.if_contains(name)) {}
  Look operator[](std::string_view name) const {
    const json::object* object = value_ != nullptr ? value_->if_object() : nullptr;
    return Look(object != nullptr ? object->if_contains(name) : nullptr);
  }
  bool there() const { return value_ != nullptr; }
  std::string text() const {
    const json::string* string = value_ != nullptr ? value_->if_string() : nullptr;
    return string != nullptr ? std::string(*string) : std::string();
  }
  std::int64_t number() const {
    if (value_ == nullptr || !value_->is_number()) return 0;
    boost::system::error_code ignored;
    return value_->to_number<std::int64_t>(ignored);
  }
  bool flag() const { return value_ != nullptr && value_->is_bool() && value_->as_bool(); }
  const json::array& list() const {
    static const json::array none;
    const json::array* array = value_ != nullptr ? value_->if_array() : nullptr;
    return array != nullptr ? *array : none;
  }

 private:
  const json::value* value_;
};

std::string count_text(std::int64_t count) {
  return grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
}

class StatusPage {
 public:
  StatusPage(const json::object& status, bool coloured) : status_(status), coloured_(coloured) {}

  std::string tunnels_text() {
    tunnels();
    return std::move(out_);
  }
  std::string text() {
    head();
    listeners();
    consuls();
    for (const json::value& service : Look(status_, "services").list()) show_service(Look(&service));
    tunnels();
    bans();
    certificates();
    problems();
    return std::move(out_);
  }

 private:
  std::string mark(std::string_view text, Colour colour) const {
    return coloured(printable(text), colour, coloured_);
  }
  Look look(std::string_view name) const { return Look(status_, name); }

  void head() {
    const bool ready = look("ready").flag();
    out_ += mark("gatehouse " + look("version").text() + " on " + look("node").text(), Colour::bold) + "  " +
            mark(ready ? "ready" : look("unready").text(), ready ? Colour::good : Colour::bad) + "  up " +
            ago(look("uptime_ms").number()) + "  pid " + std::to_string(look("pid").number()) + "\n";
    const Look connections = look("connections"), memory = look("memory");
    out_ += count_text(connections["open"].number()) + " of " + counted(connections["most"].number(), "connection") +
            ", " + counted(look("requests").number(), "request") + ", " +
            bytes_text(static_cast<std::uint64_t>(memory["used"].number())) + " of " +
            bytes_text(static_cast<std::uint64_t>(memory["limit"].number())) + " memory\n";
    if (const std::string degraded = look("degraded").text(); !degraded.empty())
      out_ += mark("degraded: " + degraded, Colour::warn) + "\n";
    frozen(look("routing")["frozen"]);
    if (look("file_differs").flag())
      out_ += mark(look("file").text() + " was changed since it was applied: gatehouse reload", Colour::warn) + "\n";
    if (const std::int64_t dropped = look("access_log")["lines_dropped"].number(); dropped != 0)
      out_ += mark(counted(dropped, "access log line") + " dropped: the disk was too slow", Colour::warn) + "\n";
    if (const std::int64_t failed = look("access_log")["writes_failed"].number(); failed != 0)
      out_ += mark(counted(failed, "write") + " of the access log failed", Colour::bad) + "\n";
  }

  void frozen(Look frozen) {
    if (frozen["since"].text().empty()) return;
    const std::int64_t table = frozen["at_table"].number(), more = frozen["waiting_more"].number();
    const std::int64_t waiting = std::ssize(frozen["waiting"].list()) + more;
    out_ += mark("catalog frozen" + (table == 0 ? "" : " at table " + std::to_string(table)) + " since " +
                     frozen["since"].text() + " by " + frozen["by"].text() +
                     (waiting == 0 ? "; nothing would change" : "; " + counted(waiting, "change") + " waiting:"),
                 Colour::warn) +
            "\n";
    for (const json::value& each : frozen["waiting"].list()) out_ += "    " + printable(Look(&each).text()) + "\n";
    if (more != 0) out_ += "    and " + count_text(more) + " more\n";
  }

  void section(std::string_view title, const Columns& rows) {
    if (!rows.empty()) out_ += "\n" + mark(title, Colour::bold) + "\n" + rows.text(coloured_);
  }

  void listeners() {
    Columns rows;
    for (const json::value& each : look("listeners").list()) {
      const Look listener(&each);
      std::string notes = listener["tls"].flag() ? "tls" : "";
      if (!listener["proxy_protocol"].list().empty()) notes += notes.empty() ? "PROXY protocol" : ", PROXY protocol";
      for (const json::value& only : listener["only"].list())
        notes += (notes.empty() ? "only " : ", only ") + Look(&only).text();
      rows.row({{listener["name"].text()}, {listener["address"].text()}, {notes, Colour::dim}});
    }
    section("listeners", rows);
  }

  void consuls() {
    Columns rows;
    for (const json::value& each : look("consul").list()) {
      const Look consul(&each);
      const std::string datacenter = consul["datacenter"].text(), fault = consul["fault"].text();
      const bool trusted = consul["trusted"].flag();
      const std::int64_t held = consul["held"].number();
      rows.row({{datacenter.empty() ? "consul" : datacenter},
                {consul["address"].text()},
                {!fault.empty() ? fault
                 : trusted      ? "trusted"
                                : "not trusted",
                 fault.empty() && trusted ? Colour::good : Colour::bad},
                {consul["good_at"].text().empty() ? "not heard yet"
                 : !consul["age_ms"].there()      ? "of unknown age"
                                                  : "as of " + ago(consul["age_ms"].number()) + " ago"},
                {count_text(consul["watched"].number()) + " of " + counted(consul["services"].number(), "service")},
                {held == 0 ? "" : count_text(held) + " held", Colour::warn}});
    }
    section("catalog", rows);
  }

  void show_service(Look service) {
    out_ += "\n" + mark(service["name"].text(), Colour::bold) + "  " + mark(service["policy"].text(), Colour::dim);
    if (const std::int64_t queued = service["queued"].number(); queued != 0)
      out_ += "  " + mark(counted(queued, "request") + " queued", Colour::warn);
    if (const Look away = service["failover"]; !away["datacenter"].text().empty())
      out_ += "  " + mark("served by " + away["datacenter"].text() + (away["by_hand"].flag() ? ", by hand" : ""),
                          Colour::warn);
    if (service["panic"].flag()) out_ += "  " + mark("panic: none is healthy, all are tried", Colour::bad);
    if (service["maintenance"].flag()) out_ += "  " + mark("maintenance", Colour::warn);
    if (service["drained"].flag()) out_ += "  " + mark("drained", Colour::warn);
    out_ += "\n";
    Columns routes;
    bool needs_endpoints = false;
    for (const json::value& each : service["routes"].list()) {
      const Look route(&each);
      const std::string refused = route["refused"].text(), redirect = route["redirect"].text();
      const std::string files = route["files"].text(), compress = route["compress"].text();
      needs_endpoints = needs_endpoints || (redirect.empty() && files.empty());
      std::string does = !redirect.empty() ? "to " + redirect : files.empty() ? "" : "files in " + files;
      if (!compress.empty()) does += (does.empty() ? "compress " : ", compress ") + compress;
      routes.row({{route["match"].text()},
                  {refused.empty() ? does : "refused: " + refused, refused.empty() ? Colour::dim : Colour::bad}});
    }
    for (const json::value& each : service["tcp"].list()) {
      needs_endpoints = true;
      const Look entry(&each);
      const std::string refused = entry["refused"].text(), sni = entry["sni"].text();
      routes.row({{"tcp " + entry["address"].text() + (sni.empty() ? "" : " sni=" + sni)},
                  {refused.empty() ? "" : "refused: " + refused, Colour::bad}});
    }
    out_ += routes.text(coloured_);
    Columns endpoints(4);
    for (const json::value& each : service["endpoints"].list()) endpoints.row(endpoint_cells(Look(&each)));
    if (!endpoints.empty())
      out_ += endpoints.text(coloured_);
    else if (needs_endpoints)
      out_ += "    " + mark("no endpoints", Colour::bad) + "\n";
  }

  static std::vector<Columns::Cell> endpoint_cells(Look endpoint) {
    const std::string health = endpoint["health"].text(), out = endpoint["out"].text();
    const Colour colour = health == "down" || health == "unknown" ? Colour::bad
                          : health == "warning" || !out.empty()   ? Colour::warn
                                                                  : Colour::good;
    std::string notes;
    const auto note = [&notes](const std::string& text) {
      if (!text.empty()) notes += (notes.empty() ? "" : ", ") + text;
    };
    note(out == health ? "" : out);
    note(endpoint["reason"].text());
    note(endpoint["backup"].flag() ? "backup" : "");
    if (endpoint["weight"].number() != 1) note("weight " + std::to_string(endpoint["weight"].number()));
    if (endpoint["failures"].number() != 0) note(count_text(endpoint["failures"].number()) + " failed");
    return {{endpoint["name"].text()},
            {endpoint["address"].text()},
            {health, colour},
            {endpoint["since"].text().empty() ? "" : ago(endpoint["since_ms"].number())},
            {count_text(endpoint["in_flight"].number()) + " now"},
            {counted(endpoint["requests"].number(), "request")},
            {notes, colour == Colour::good ? Colour::dim : colour}};
  }

  static std::string use_words(Look each) {
    std::string out =
        count_text(each["open"].number()) + " open, " + counted(each["connections"].number(), "connection");
    if (!each["last_seen"].text().empty()) out += ", last " + ago(each["last_seen_ms"].number()) + " ago";
    return out;
  }

  static std::string words_of(const json::array& list) {
    std::string out;
    for (const json::value& each : list) out += (out.empty() ? "" : ", ") + Look(&each).text();
    return out;
  }

  void tunnels() {
    Columns rows;
    for (const json::value& each : look("tunnels")["exits"].list()) {
      const Look exit(&each);
      for (const json::value& one : exit["identities"].list()) {
        const Look who(&one);
        const bool has_key = who["has_key"].flag();
        rows.row({{exit["name"].text()},
                  {"in"},
                  {who["identity"].text()},
                  {words_of(who["services"].list())},
                  {has_key ? use_words(who) : "no key", has_key ? Colour::none : Colour::bad}});
      }
    }
    for (const json::value& each : look("tunnels")["entries"].list()) {
      const Look entry(&each);
      for (const json::value& one : entry["targets"].list()) {
        const Look target(&one);
        const bool good = target["resolved"].flag() && !target["rests"].flag();
        rows.row({{entry["name"].text()},
                  {"out"},
                  {target["identity"].text()},
                  {target["address"].text()},
                  {!target["resolved"].flag() ? "not resolved"
                   : good                     ? use_words(target)
                                              : "rests after " + counted(target["failures"].number(), "failure"),
                   good ? Colour::none : Colour::bad}});
      }
    }
    section("tunnels", rows);
  }

  void bans() {
    Columns rows;
    const json::array& newest = look("bans")["newest"].list();
    for (const json::value& each : newest)
      if (const json::object* ban = each.if_object()) rows.row(ban_cells(*ban));
    const std::int64_t count = look("bans")["count"].number();
    section(counted(count, "ban"), rows);
    if (count > std::ssize(newest))
      out_ += "  and " + count_text(count - std::ssize(newest)) + " more: gatehouse bans list\n";
  }

  void certificates() {
    Columns rows;
    for (const json::value& each : look("certificates").list()) {
      const Look certificate(&each);
      const json::array& all = certificate["names"].list();
      std::string names;
      for (std::size_t i = 0; i < all.size() && i < names_shown; ++i)
        names += (i == 0 ? "" : ", ") + Look(&all[i]).text();
      if (all.size() > names_shown) names += " and " + std::to_string(all.size() - names_shown) + " more";
      const std::int64_t days = certificate["days_left"].number();
      const std::string left = days < 0 ? "expired" : counted(days, "day") + " left";
      if (certificate["placeholder"].flag()) {
        rows.row({{certificate["name"].text()}, {"placeholder", Colour::bad}, {names}});
        continue;
      }
      rows.row({{certificate["name"].text()},
                {left, days < 0                 ? Colour::bad
                       : days < days_left_short ? Colour::warn
                                                : Colour::none},
                {names}});
    }
    section("certificates", rows);
  }

  void problems() {
    Columns rows;
    for (const json::value& each : look("problems").list()) {
      const Look problem(&each);
      const std::string severity = problem["severity"].text();
      rows.row({{problem["text"].text(), severity == "error"     ? Colour::bad
                                         : severity == "warning" ? Colour::warn
                                                                 : Colour::none}});
    }
    section("problems", rows);
  }

  const json::object& status_;
  const bool coloured_;
  std::string out_;
};

}  // namespace

std::string tunnels_text(const json::object& status, bool coloured) {
  return StatusPage(status, coloured).tunnels_text();
}

std::string status_text(const json::object& status, bool coloured) { return StatusPage(status, coloured).text(); }

}  // namespace gatehouse::cli
