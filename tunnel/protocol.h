// protocol.h: what two of our own ends say to each other beyond TLS, agreed on by ALPN (RFC 7301); with stunnel and
// others there is nothing of it, and bytes begin at once.
//   The exit's first byte is a Word: whether the service is reached. Until then nothing of the stream has reached a
//   service, so an entry that is told no may send the same bytes to the next exit.
//   check_protocol asks for the word alone: the exit then ends the connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::tunnel {

inline constexpr std::string_view stream_protocol = "gatehouse-tunnel/1", check_protocol = "gatehouse-tunnel-check/1";

enum class Word : std::uint8_t {
  reached = 0,
  not_allowed = 1,  // this identity may not reach this service from there
  no_service = 2,   // no service was named that it may reach
  unreachable = 3,  // the service could not be connected to
  too_many = 4,     // the identity has its connections, or the process its own
  shutting_down = 5,
};

inline std::string_view text_of(Word word) {
  switch (word) {
    case Word::reached: return "reached";
    case Word::not_allowed: return "this identity may not reach this service from here";
    case Word::no_service: return "the exit needs to be told which service is meant";
    case Word::unreachable: return "the exit can't connect to the service";
    case Word::too_many: return "the exit has as many connections as it may";
    case Word::shutting_down: return "the exit is stopping";
  }
  return "a word that this version doesn't know";
}

}  // namespace gatehouse::tunnel
