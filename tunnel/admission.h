// admission.h: who may reach what, and which exit is tried first. Pure.
//   Default deny: the identity must be named, for that service, from that network; and the service must be offered.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tunnel/plan.h"
#include "tunnel/protocol.h"

namespace gatehouse::tunnel {

// Before any byte of it is read.
bool may_come_from(const Exit& exit, const IpAddress& source);

struct Admission {
  End end = End::ok;
  Word word = Word::reached;
  const Allowed* who = nullptr;  // null: the identity may nothing
  const Offer* offer = nullptr;  // ok: where to
};

// `name`: the client's SNI, which names a service or, of stunnel, just the host it connects to.
Admission admit(const Plan& plan, const Exit& exit, std::string_view identity, std::string_view name,
                const IpAddress& source);

// Exits that lead to other nodes than this one, bit by bit: as if they were tried.
std::uint64_t exits_of_others(const Entry& entry, std::string_view node);

// The next exit of an entry that was not tried, bit by bit; none: all were. `turn`: for round_robin.
std::optional<std::size_t> next_target(const Entry& entry, std::uint64_t tried, std::size_t turn,
                                       std::int64_t now_ms);

}  // namespace gatehouse::tunnel
