// exit_io.h: a connection of another host, from its first byte to the service that it may reach.
//   Order (docs/tunnel.md): the source was judged at accept; handshake, within its time; proof that the key was used;
//   identity, service and network; the identity's connections; and only then the service is dialled.
#pragma once

#include "net/client_counts.h"
#include "net/psk.h"
#include "tunnel/admission.h"
#include "tunnel/dial_io.h"
#include "tunnel/session_io.h"

namespace gatehouse::tunnel {

class ExitSession final : public Session {
 public:
  ExitSession(Carrier& carrier, PlanPtr plan, const Exit& exit, const SocketAddress& peer);
  ~ExitSession() override;
  std::optional<End> ended_by(const Plan& coming) const override;

 private:
  Task<> story() override;
  void describe(Record& record) const override;
  Task<bool> greet();
  Task<bool> secure();
  void name_failure(const Error& error);
  bool admit_identity();
  Task<bool> reach_service();
  Task<Status> reach(const DialAddress& address);
  Task<> say(Word word);
  std::string proxy_header() const;
  bool speaks_ours() const { return protocol_ != Protocol::plain; }

  enum class Protocol { plain, stream, check };

  const Exit& exit_;  // of plan_
  PskSelection selection_;
  Protocol protocol_ = Protocol::plain;
  bool half_open_ = false, counted_ = false;
  const Allowed* who_ = nullptr;
  const Offer* offer_ = nullptr;
  std::string name_;  // the SNI
  std::string reached_;
};

}  // namespace gatehouse::tunnel
