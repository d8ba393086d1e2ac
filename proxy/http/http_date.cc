#include "proxy/http/http_date.h"

#include <chrono>

#include "proxy/http/bytes.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view short_days = "SunMonTueWedThuFriSat";

void put_digits(char* at, int count, unsigned value) {
  for (char* digit = at + count; digit != at; value /= 10) *--digit = static_cast<char>('0' + value % 10);
}

struct Parts {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

// Reads a date piece by piece; what doesn't fit makes it bad for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void word(std::string_view expected) {
    if (!text_.starts_with(expected)) return fail();
    text_.remove_prefix(expected.size());
  }
  unsigned number(std::size_t digits) {
    unsigned value = 0;
    if (text_.size() < digits) return fail(), 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return fail(), 0;
      value = value * 10 + static_cast<unsigned>(text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }
  // asctime's day may be padded with a blank.
  unsigned padded_day() {
    if (!text_.starts_with(' ')) return number(2);
    text_.remove_prefix(1);
    return number(1);
  }
  unsigned month() {
    for (unsigned i = 0; i < 12; ++i) {
      if (!text_.starts_with(months.substr(i * 3, 3))) continue;
      text_.remove_prefix(3);
      return i + 1;
    }
    return fail(), 0;
  }
  void time(Parts& out) {
    out.hour = number(2), word(":"), out.minute = number(2), word(":"), out.second = number(2);
  }
  bool done() const { return good_ && text_.empty(); }

 private:
  void fail() { good_ = false, text_ = {}; }

  std::string_view text_;
  bool good_ = true;
};

std::optional<std::int64_t> to_seconds(const Parts& is) {
  if (is.year < 1970 || is.year > 9999 || is.hour > 23 || is.minute > 59 || is.second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(is.year), std::chrono::month(is.month),
                                         std::chrono::day(is.day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400} + is.hour * 3600 +
         is.minute * 60 + is.second;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", behind the day's name.
bool read_fixdate(std::string_view rest, Parts& out) {
  Reader reader(rest);
  reader.word(", "), out.day = reader.number(2), reader.word(" "), out.month = reader.month(), reader.word(" ");
  out.year = static_cast<int>(reader.number(4)), reader.word(" "), reader.time(out), reader.word(" GMT");
  return reader.done();
}

// "Sunday, 06-Nov-94 08:49:37 GMT", from the comma on.
bool read_rfc850(std::string_view rest, Parts& out) {
  Reader reader(rest);
  reader.word(", "), out.day = reader.number(2), reader.word("-"), out.month = reader.month(), reader.word("-");
  out.year = static_cast<int>(reader.number(2)), reader.word(" "), reader.time(out), reader.word(" GMT");
  return reader.done();
}

// "Sun Nov  6 08:49:37 1994", behind the day's name.
bool read_asctime(std::string_view rest, Parts& out) {
  Reader reader(rest);
  reader.word(" "), out.month = reader.month(), reader.word(" "), out.day = reader.padded_day(), reader.word(" ");
  reader.time(out), reader.word(" "), out.year = static_cast<int>(reader.number(4));
  return reader.done();
}

bool is_day_name(std::string_view text) {
  for (std::size_t i = 0; i < short_days.size(); i += 3)
    if (text.substr(0, 3) == short_days.substr(i, 3)) return true;
  return false;
}

int with_century(int year, std::int64_t now) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(now)));
  const int this_year = static_cast<int>(std::chrono::year_month_day(day).year());
  const int candidate = this_year / 100 * 100 + year;
  return candidate > this_year + 50 ? candidate - 100 : candidate;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) {
  if (text.size() < 24 || !is_day_name(text)) return std::nullopt;
  Parts is;
  if (text[3] == ',') return read_fixdate(text.substr(3), is) ? to_seconds(is) : std::nullopt;
  if (text[3] == ' ') return read_asctime(text.substr(3), is) ? to_seconds(is) : std::nullopt;
  const std::size_t comma = text.find(',');
  if (comma > 9 || !text.substr(0, comma).ends_with("day")) return std::nullopt;
  if (!read_rfc850(text.substr(comma), is)) return std::nullopt;
  is.year = with_century(is.year, now);
  return to_seconds(is);
}

std::string_view write_http_date(std::int64_t second, HttpDateText& room) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  std::string_view("Thu, 01 Jan 1970 00:00:00 GMT").copy(room.data(), room.size());
  short_days.substr(std::chrono::weekday(day).c_encoding() * 3, 3).copy(&room[0], 3);
  months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3).copy(&room[8], 3);
  put_digits(&room[5], 2, static_cast<unsigned>(date.day()));
  put_digits(&room[12], 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put_digits(&room[17], 2, static_cast<unsigned>(time.hours().count()));
  put_digits(&room[20], 2, static_cast<unsigned>(time.minutes().count()));
  put_digits(&room[23], 2, static_cast<unsigned>(time.seconds().count()));
  return {room.data(), room.size()};
}

}  // namespace gatehouse::http
