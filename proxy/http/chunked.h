// chunked.h: the bytes of a chunked body, judged and cleaned where they lie (RFC 9112 7.1).
//   `pass` keeps framing and trailers and drops chunk extensions; `decode` keeps the payload alone, for a receiver of
//   HTTP/1.0; `split` keeps the payload and the trailer's field lines, for one of HTTP/2. Feed it whatever has come,
//   in any pieces: the kept bytes are the same. A body is complete only with the last byte of its last line, so what
//   was passed on before a fault never looks whole to the receiver. Limits: a size has at most 16 digits and is at
//   most 2^62, an extension 1 KiB, the trailer section 8 KiB, a trailer's name 128 bytes. Trailers that frame, route,
//   authorise or belong to one connection are faults (RFC 9110 6.5.1); what a TrailerGuard names is left out. A name
//   is held back until it is judged: it may end up in front of the bytes given (Fed::before). No allocation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/field_rules.h"

namespace gatehouse::http {

inline constexpr std::size_t chunk_size_digits_max = 16;
inline constexpr std::size_t chunk_extension_bytes_max = 1 << 10;
inline constexpr std::size_t trailer_bytes_max = 8 << 10;
inline constexpr std::size_t trailer_name_bytes_max = 128;

// Whose names don't pass in trailers, since they don't pass in the head. What it points to outlives the body.
struct TrailerGuard {
  const conf::FieldRules* rules = nullptr;          // names that a rule takes out or says itself
  const std::vector<std::string>* names = nullptr;  // names that nobody but us may say
  bool odd_names = false;                           // names with '_' or '.'

  bool drops(std::string_view name) const;
};

class ChunkedBody {
 public:
  enum class Mode : std::uint8_t { pass, decode, split };

  struct Fed {
    std::size_t consumed = 0;     // of the bytes given; fewer than given only when done or faulty
    std::size_t kept = 0;         // so many bytes are what to send on, from data - before
    std::size_t before = 0;       // of them stand in front of data; at most trailer_name_bytes_max, never at first
    std::size_t trailer = 0;      // of the kept ones, the last so many are of field lines (split)
    bool done = false;            // the body has ended; what follows belongs to the next message
    const char* fault = nullptr;  // a constant text for the log; the connection must be closed
  };

  explicit ChunkedBody(Mode mode = Mode::pass, TrailerGuard guard = {}) : guard_(guard), mode_(mode) {}

  // REQUIRES (pass, split) trailer_name_bytes_max bytes of room in front of data, but for the first time.
  Fed feed(char* data, std::size_t size);

  bool done() const { return state_ == State::done; }
  std::uint64_t payload_bytes() const { return payload_; }  // so far, without framing

 private:
  enum class State : std::uint8_t {
    size_start,
    size_digits,
    blank_before_extension,
    extension_start,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
    faulty,
  };
  struct Cursor;

  const char* step(Cursor& at);
  const char* size_digit(char c);
  const char* size_line(char c);
  const char* trailer(char c, Cursor& at);
  const char* trailer_name(char c, Cursor& at);
  void keep_trailer(Cursor& at);
  void data(Cursor& at);

  TrailerGuard guard_;
  Mode mode_;
  State state_ = State::size_start;
  std::uint8_t digits_ = 0;
  std::uint8_t name_size_ = 0;  // of the trailer's name
  bool leaves_out_ = false;     // the trailer that is being read
  std::uint16_t extension_ = 0, trailer_ = 0;
  std::uint64_t left_ = 0, payload_ = 0;
  std::array<char, trailer_name_bytes_max> name_;
};

// Chunk-encodes a body that ends with its connection, in place: the size line is written right before `data`, which
// must have chunk_head_bytes_max bytes of room, and returned is where it begins; chunk_tail goes behind the data.
inline constexpr std::size_t chunk_head_bytes_max = 18;
inline constexpr std::string_view chunk_tail = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
char* write_chunk_head(std::uint64_t size, char* data);  // REQUIRES size > 0: zero would end the body

}  // namespace gatehouse::http
