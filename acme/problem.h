// problem.h: why a CA refused, and what that means for us: RFC 7807 documents with the types of RFC 8555 6.7.
//   Also what went wrong on the way to it, as a Problem without a type. Pure.
//   Limits  parts_most, text_most bytes of each text: what is beyond is cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acme/json_look.h"

namespace gatehouse::acme {

enum class Fault {
  passing,     // the CA or the way to it: again soon
  nonce,       // badNonce: again at once
  limited,     // a rate limit or an overloaded CA: not before it says
  validation,  // a name could not be validated: spends the CA's budget of failures
  account,     // the account is not as we know it: a human's
  not_ready,   // the order is not where we took it to be: look again
  permanent,   // asking again gets the same
};

struct Problem {
  static constexpr std::size_t parts_most = 20, text_most = 500;
  struct Part {
    std::string identifier, type, detail;
    bool operator==(const Part&) const = default;
  };

  std::string type;      // "rateLimited": without the RFC's prefix; empty: not said, or not by the CA
  std::string detail;    // its words, or ours
  std::string instance;  // where a human finds more, or does what is due
  unsigned status = 0;   // of the HTTP answer; 0: there was none
  std::vector<Part> parts;

  Fault fault() const;
  std::string text() const;  // a sentence for the operator
  bool operator==(const Problem&) const = default;
};

// Of an answer that is an error.
Problem read_problem(unsigned status, std::string_view body);
// Of an `error` within an order, an authorization or a challenge.
Problem read_problem(const json::object& document);

Problem trouble(std::string what);  // of our own

}  // namespace gatehouse::acme
