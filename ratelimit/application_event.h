// application_event.h: what an application says of its client, in the field X-Ban-Event of an answer:
//   "login_failed; user=ann; w=2". A token that names what happened; then, in any order, whom it happened with (a token
//   or a quoted string) and as how many it counts. Other parameters are passed over. Pure, allocates nothing.
//   Source  the form is that of an item of RFC 8941, bare tokens as values included.
#pragma once

#include <optional>
#include <string_view>

namespace gatehouse::ratelimit {

struct ApplicationEvent {
  static constexpr std::size_t bytes_max = 256;  // a longer value is refused
  static constexpr unsigned weight_max = 1000;   // more counts as so many
  std::string_view reason, user;
  unsigned weight = 1;
};

// Borrows from `value`. A user that has quotes or backslashes within is given as written. None: it is not of this form.
std::optional<ApplicationEvent> parse_application_event(std::string_view value);

}  // namespace gatehouse::ratelimit
