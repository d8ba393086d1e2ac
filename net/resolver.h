// resolver.h: names to addresses by c-ares, on a thread of its own. For the control plane alone.
//   As the system does it: /etc/hosts, then the servers of /etc/resolv.conf, which is read again when it changes.
//   When to ask and what to keep: name_table.h. What it finds enters the data plane only in a world.
//   Threads  any may call; on_change is handed to `post`, on the resolver's thread, whenever snapshot() has changed.
//   Limits   queries_max at once, names as many as are asked for.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "net/clock.h"
#include "net/name_table.h"
#include "net/result.h"

namespace gatehouse {

class Resolver {
 public:
  static constexpr std::size_t queries_max = 64;
  using Post = std::function<void(std::function<void()>)>;  // runs what it is given where the caller lives
  struct Options {
    std::string servers;  // "192.0.2.1:53,192.0.2.2"; empty: the system's
    Millis timeout = 2s;  // of the first try; a try more doubles it
    int tries = 2;
  };

  static Result<std::unique_ptr<Resolver>> make(Options options, Post post, std::function<void()> on_change);
  ~Resolver();  // ends the thread; what was posted before may still run
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void resolve(std::set<std::string> names);  // these and no others from now on
  std::shared_ptr<const ResolvedNames> snapshot() const;

 private:
  class Engine;
  explicit Resolver(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace gatehouse
