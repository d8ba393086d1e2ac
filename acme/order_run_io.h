// order_run_io.h: an order that is under way: the machine of order.h with hands: CA, store and challenge board.
//   Threads  one (control). Ends by `ended`, once, unless it is destroyed before: then it calls nobody, and the order
//            stays where it is, to be taken up again.
//   Of several chains that the CA offers (RFC 8555 7.4.2), the one that the configuration names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acme/ca_io.h"
#include "acme/order.h"
#include "net/asio.h"
#include "net/certificate.h"

namespace gatehouse::acme {

struct OrderEnd {
  CertificatePtr certificate;  // null: it failed
  std::string chain_pem;
  bool other_chain = false;  // than was wanted: the CA offers none such
  Problem problem;
  std::string name;  // whose fault it is; may be empty
  std::optional<Seconds> not_before;
};

class OrderRun : public std::enable_shared_from_this<OrderRun> {
 public:
  struct Hands {
    std::function<void(const std::string& order_url)> remember;
    // Puts these up, then calls back: empty, or why not. Taken down again with an empty list.
    std::function<void(std::vector<Challenge>, std::function<void(std::string)>)> present;
    std::function<void(OrderEnd)> ended;
  };

  OrderRun(asio::io_context& io, Ca& ca, OrderSpec spec, std::string key_pem, Hands hands);
  void start();
  void close();  // nobody is called any more
  const char* step() const { return machine_.step(); }
  const Ca& ca() const { return ca_; }

 private:
  void act(std::vector<Action> actions);
  void hear(const Event& event) { act(machine_.on(event)); }
  void take(Post& post);
  void take(Remember& remember) { hands_.remember(remember.order_url); }
  void take(Present& present);
  void take(Wait& wait);
  void take(Install& install);
  void ask_alternate();
  void install(std::string chain_pem, bool other_chain);
  void take(GiveUp& give_up);
  void end(OrderEnd end);

  Ca& ca_;
  std::vector<std::string> names_;
  std::string key_pem_;
  OrderMachine machine_;
  Hands hands_;
  asio::steady_timer timer_;
  Install offered_;
  std::size_t alternates_asked_ = 0;
  bool presented_ = false, ended_ = false;
};

}  // namespace gatehouse::acme
