// accept_encoding.h: which content codings a client takes (RFC 9110 12.5.3), and which of ours that makes.
//   Weights as thousandths. What isn't named has the weight of "*", and 0 without it; identity is welcome unless it
//   is refused by name or by "*;q=0". An element that is malformed counts as not said. x-gzip is gzip. Pure. Limits:
//   the first 64 elements are read.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "conf/content.h"
#include "proxy/http/head.h"

namespace gatehouse::http {

struct AcceptedCodings {
  std::array<unsigned, conf::content_coding_count> weight{};  // by ContentCoding; 0: refused
  unsigned identity = 1;                                      // welcome, and nobody's favourite, where it isn't named

  unsigned of(conf::ContentCoding coding) const { return weight[static_cast<std::size_t>(coding)]; }
};

// Of all Accept-Encoding fields; none: identity alone, since a client that wants more says so.
AcceptedCodings accepted_codings(const RequestHead& head);
AcceptedCodings parse_accept_encoding(std::string_view list);

// Those of `ours` that the client takes and likes no less than identity, its favourites first and in our order where
// it likes them alike.
struct CodingList {
  std::array<conf::ContentCoding, conf::content_coding_count> each{};
  std::size_t count = 0;
  std::span<const conf::ContentCoding> list() const { return {each.data(), count}; }
};
CodingList rank_codings(const AcceptedCodings& accepted, std::span<const conf::ContentCoding> ours);

// A weight: "0", "0.5", "1.000"; nothing: malformed.
std::optional<unsigned> parse_weight(std::string_view text);

}  // namespace gatehouse::http
