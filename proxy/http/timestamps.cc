#include "proxy/http/timestamps.h"

#include <chrono>

namespace gatehouse::http {
namespace {

void put_digits(char* at, int count, unsigned value) {
  for (char* digit = at + count; digit != at; value /= 10) *--digit = static_cast<char>('0' + value % 10);
}

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::weekday weekday;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;
};

Civil civil(std::int64_t second) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  return {std::chrono::year_month_day(day), std::chrono::weekday(day),
          std::chrono::hh_mm_ss<std::chrono::seconds>(moment - day)};
}

void put_time(char* at, const Civil& is) {
  put_digits(at, 2, static_cast<unsigned>(is.time.hours().count()));
  put_digits(at + 3, 2, static_cast<unsigned>(is.time.minutes().count()));
  put_digits(at + 6, 2, static_cast<unsigned>(is.time.seconds().count()));
  at[2] = at[5] = ':';
}

}  // namespace

std::string_view HttpDate::at(WallTime now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second != second_) {
    second_ = second;
    const Civil is = civil(second);
    std::string_view("Thu, 01 Jan 1970 00:00:00 GMT").copy(text_.data(), text_.size());
    std::string_view("SunMonTueWedThuFriSat").substr(is.weekday.c_encoding() * 3, 3).copy(text_.data(), 3);
    put_digits(&text_[5], 2, static_cast<unsigned>(is.date.day()));
    std::string_view("JanFebMarAprMayJunJulAugSepOctNovDec")
        .substr((static_cast<unsigned>(is.date.month()) - 1) * 3, 3)
        .copy(&text_[8], 3);
    put_digits(&text_[12], 4, static_cast<unsigned>(static_cast<int>(is.date.year())));
    put_time(&text_[17], is);
  }
  return {text_.data(), text_.size()};
}

std::string_view LogTime::at(WallTime now) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  const auto second = whole.time_since_epoch().count();
  if (second != second_) {
    second_ = second;
    const Civil is = civil(second);
    std::string_view("1970-01-01T00:00:00.000Z").copy(text_.data(), text_.size());
    put_digits(&text_[0], 4, static_cast<unsigned>(static_cast<int>(is.date.year())));
    put_digits(&text_[5], 2, static_cast<unsigned>(is.date.month()));
    put_digits(&text_[8], 2, static_cast<unsigned>(is.date.day()));
    put_time(&text_[11], is);
  }
  put_digits(&text_[20], 3, static_cast<unsigned>(std::chrono::floor<Millis>(now - whole).count()));
  return {text_.data(), text_.size()};
}

}  // namespace gatehouse::http
