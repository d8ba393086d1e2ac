// answer_text.h: our own HTTP/1.1 answers, taken apart again: head lines into fields, chunks into their payload.
//   What comes in was written by http/head_writer and judged by http/chunked, so this reads and doesn't judge; text
//   of any other form is told as broken, and never read beyond its end. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/http2/nghttp2_ptr.h"

namespace gatehouse::http2 {

struct AnswerHead {
  enum class Body : std::uint8_t { none, length, chunked, raw };

  std::size_t size = 0;  // of its text; 0: broken
  int status = 0;
  Body body = Body::none;
  std::uint64_t length = 0;
  std::size_t fields = 0;  // of the table that was given, :status first

  bool interim() const { return status < 200 && status != 101; }
};

inline constexpr std::size_t answer_fields_max = 192;  // of a backend's answer, and our own

// Reads one head from the front of `text`; fields point into it. A 101 becomes the 200 of RFC 8441.
AnswerHead read_answer_head(std::string_view text, bool to_head, std::span<nghttp2_nv, answer_fields_max> table);

class ChunkReader {
 public:
  // The next piece of payload that lies in `text`, which loses what was read. Empty: there is none in it.
  std::string_view next(std::string_view& text, std::size_t most);

  bool done() const { return state_ == State::done; }
  bool broken() const { return state_ == State::broken; }
  const std::string& trailers() const { return trailers_; }  // lines, each with its CRLF

 private:
  enum class State : std::uint8_t { size, data, data_end, trailers, done, broken };

  void read_size(char c);
  void read_trailers(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  std::string trailers_;
};

// Field lines into a table; its count. Fields of one connection are left out.
std::size_t read_field_lines(std::string_view lines, std::span<nghttp2_nv> table, AnswerHead* head = nullptr);

}  // namespace gatehouse::http2
