// text.h: how the program writes for people: times, numbers, aligned columns, and text of strangers made harmless.
//   What a backend or a client said may hold bytes that a terminal obeys; everything shown goes through printable().
//   Pure; time is a parameter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::cli {

// Control bytes, bytes that are no UTF-8 and what else steers a terminal (http::steering_code) become \xNN.
std::string printable(std::string_view text);

// JSON as we made it: what steers a terminal in its strings becomes \uXXXX, which means the same.
std::string harmless_json(std::string_view json);

std::string ago(std::int64_t ms);                                // "320 ms", "45 s", "12 min", "3 h 5 min", "61 d"
std::string grouped(std::uint64_t count);                        // "1,204"
std::string counted(std::int64_t count, std::string_view noun);  // "1 request", "1,204 requests"
std::string bytes_text(std::uint64_t count);                     // "512 B", "1.5 KiB", "84 MiB"

// RFC 3339 in UTC: "2026-07-28T12:03:04.123Z", as in the logs, so that lines can be held side by side.
std::string utc_text(std::int64_t wall_ms);

// Rows whose cells stand under each other, two spaces apart. Every cell is made printable; a last empty one leaves no
// blanks behind. Colour marks whole cells and takes no width.
enum class Colour { none, good, warn, bad, dim, bold };

class Columns {
 public:
  explicit Columns(unsigned indent = 2) : indent_(indent) {}
  struct Cell {
    std::string text;
    Colour colour = Colour::none;
  };
  void row(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  std::string text(bool coloured) const;

 private:
  unsigned indent_;
  std::vector<std::vector<Cell>> rows_;
};

std::string coloured(std::string_view text, Colour colour, bool on);

}  // namespace gatehouse::cli
