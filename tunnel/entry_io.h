// entry_io.h: a connection of a program of this host, led to an exit that reaches the service.
//   Exits are tried in their order until one says that the service is reached (an end of ours) or completes the
//   handshake (stunnel). What the program says meanwhile is sent along, and once more to the next exit: an exit that
//   said no, or nothing, has passed nothing on.
#pragma once

#include "net/psk.h"
#include "tunnel/admission.h"
#include "tunnel/dial_io.h"
#include "tunnel/session_io.h"

namespace gatehouse::tunnel {

class EntrySession final : public Session {
 public:
  EntrySession(Carrier& carrier, PlanPtr plan, const Entry& entry, const SocketAddress& peer);
  ~EntrySession() override;
  std::optional<End> ended_by(const Plan& coming) const override;

 private:
  Task<> story() override;
  void describe(Record& record) const override;
  Task<bool> reach_exit();
  Task<bool> try_target(const Target& target);
  Task<Status> reach(const Target& target, const DialAddress& address);
  Task<Status> await_word(const Dialling& how);
  void read_first();
  void take(const Target& target);
  void judge_end();
  Buffer unsent();

  const Entry& entry_;  // of plan_
  const Target* target_ = nullptr;
  Buffer first_;                // what the program said before an exit was reached
  std::size_t first_sent_ = 0;  // of it, to this exit
  bool word_awaited_ = false, counted_ = false;
};

// Whether an exit does what it should: connects, by the key, and is told the word of its service where it is ours.
// For `gatehouse tunnel test`.
Task<Status> check_target(const Entry& entry, const Target& target, const DialAddress& address,
                          const PskClientContext& context, const Dialling& how, std::string& told);

}  // namespace gatehouse::tunnel
