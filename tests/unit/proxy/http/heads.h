// heads.h: for the tests of proxy/http: parse a text, write a head to a string.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/head_writer.h"
#include "proxy/http/parse.h"

namespace gatehouse::http {

// The text lives in a buffer of exactly its size, so that a sanitizer sees a read past it.
template <class Head>
struct Parsed {
  std::unique_ptr<char[]> bytes;
  Head head;
  ParseState state = ParseState::incomplete;

  std::string value(std::string_view name) const {
    const Field* f = head.find(name);
    return f ? std::string(head.value(*f)) : "(none)";
  }
  // The status of the refusal; 0: accepted; -1: incomplete.
  int verdict() const {
    return state == ParseState::refused ? head.refusal.status : state == ParseState::complete ? 0 : -1;
  }
};
using ParsedRequest = Parsed<RequestHead>;
using ParsedResponse = Parsed<ResponseHead>;

template <class Head>
std::string_view own_bytes(Parsed<Head>& parsed, std::string_view text) {
  parsed.bytes = std::make_unique<char[]>(text.size() + (text.empty() ? 1 : 0));
  text.copy(parsed.bytes.get(), text.size());
  return {parsed.bytes.get(), text.size()};
}

inline ParsedRequest request(std::string_view text, const HeadLimits& limits = {}) {
  ParsedRequest out;
  out.state = parse_request_head(own_bytes(out, text), limits, out.head);
  return out;
}

inline ParsedResponse response(std::string_view text, bool to_head = false, const HeadLimits& limits = {}) {
  ParsedResponse out;
  out.state = parse_response_head(own_bytes(out, text), limits, to_head, out.head);
  return out;
}

template <class Write>
std::string written(Write write, std::size_t room = 64 << 10) {
  std::string out(room, '?');
  HeadWriter writer(out);
  write(writer);
  return writer.ok() ? std::string(writer.text()) : "(overflow)";
}

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

}  // namespace gatehouse::http
