// log_file_io.h: a log file read line by line while it grows, over rotations.
//   When the file at the path is another one (moved away and made anew), the old one is read until there is something
//   in the new one, whose writer may be told of it later; then the new one from its start. One that became shorter is
//   read from its start.
//   Limits  a line longer than line_bytes_max is left out.
#pragma once

#include <string>
#include <vector>

#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse::cli {

class LogFile {
 public:
  static constexpr std::size_t line_bytes_max = 1 << 20;

  // `back`: how many of the last bytes to begin with; a line cut by that is left out. All of it by default.
  static Result<LogFile> open(std::string path, std::size_t back = ~std::size_t{0});

  // Appends lines that stand ready, some at a time. False: there is nothing more for now.
  bool read(std::vector<std::string>& lines);

 private:
  LogFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  bool next_has_begun() const;
  bool take_next_file();
  bool begin_again();
  void split(std::string_view bytes, std::vector<std::string>& lines);

  std::string path_;
  UniqueFd fd_;
  std::string rest_;       // of a line whose end has not come
  bool skipping_ = false;  // within a line that is left out
};

}  // namespace gatehouse::cli
