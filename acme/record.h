// record.h: what is known of one certificate besides itself, and outlives a restart: the order under way, what
//   failed, when it is tried again or renewed, and why then. As JSON in the state folder. Pure.
//   Limits  attempts_most of the last attempts.  Failure  what can't be read counts as not known.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/ari.h"
#include "acme/key.h"
#include "net/clock.h"

namespace gatehouse::acme {

struct Attempt {
  WallTime at;
  std::string ca, what;  // what came of it
  bool good = false;
  bool operator==(const Attempt&) const = default;
};

struct Record {
  static constexpr std::size_t attempts_most = 5;

  // Of the order under way; its key lies beside it.
  std::string order_url, order_ca;
  // Of failures in a row.
  unsigned failures = 0;
  WallTime failing_since, next_try;  // next_try: not before
  std::vector<Attempt> attempts;     // the last ones, the newest last
  // Of the certificate in hand.
  std::string ca, account, profile, chain;  // whom it was asked from, and which was asked for
  KeyKind key = KeyKind::p256;
  WallTime renew_at, ask_window_at;
  std::optional<RenewalWindow> window;  // as the CA said last
  unsigned window_failures = 0;

  void note(Attempt attempt);
  bool operator==(const Record&) const = default;
};

std::string to_json(const Record& record);
Record read_record(std::string_view text);

}  // namespace gatehouse::acme
