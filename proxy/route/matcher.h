// matcher.h: which route a request takes. Built once per world, then only read; a lookup allocates nothing and costs
//   O(host length + path segments), however many services there are.
//   Order    exact host, `*.x`, `**.x` by longest suffix, no host; then routes of this port before those of any; then
//            the longest path; then conditions, more before fewer (what a router made of a route has its place, in
//            the router's order); then routes not refused; then the table's order. A route whose path, method or
//            fields don't fit passes the request on to the next in this order; one whose endpoints are all down does
//            not.
//   Paths    compared segment by segment; empty segments and a slash at the end don't count ("//a/" is "/a"). The
//            caller gives the normalised path. Hosts are compared without regard to case and to one dot at the end.
//   hosts:   the most specific entry that covers the request's own host counts, key by key, also when the route that
//            won names a wildcard. allow and deny of host and route must both let the client in; hsts and http of the
//            host win over the route's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "conf/service.h"
#include "net/ip.h"

namespace gatehouse::route {

struct RouteTarget {
  std::uint32_t service = 0;           // index into the routing table's services, and the world's pools
  std::uint32_t index = 0;             // of the route in its service
  const conf::Route* route = nullptr;  // lives as long as the matcher
  // The service as the matcher was built from it: a world that only has other instances shares the matcher.
  const conf::Service* owner = nullptr;
  bool conditional = false;  // has conditions: methods, fields, parameters, an exact path
};

// Whether the request has a field as it is asked for. A borrowed callable.
class FieldTest {
 public:
  FieldTest() = default;
  template <class F>
    requires(!std::is_same_v<F, FieldTest>)
  FieldTest(const F& test)  // NOLINT: implicit, so that a lambda can be passed
      : object_(&test), call_([](const void* object, const conf::HeaderMatch& asked) {
          return static_cast<bool>((*static_cast<const F*>(object))(asked));
        }) {}
  template <class F>
    requires(!std::is_same_v<F, FieldTest>)
  FieldTest(const F&&) = delete;  // it would be gone before it is called
  bool operator()(const conf::HeaderMatch& asked) const { return call_ && call_(object_, asked); }

 private:
  const void* object_ = nullptr;
  bool (*call_)(const void*, const conf::HeaderMatch&) = nullptr;
};

struct RouteRequest {
  std::string_view host;   // without the port; "" when there is none
  std::uint16_t port = 0;  // of the listener
  std::string_view path = "/";
  std::string_view query{};  // without its "?"
  std::string_view method = "GET";
  FieldTest has_field{};
};

// Which of the lists kept a client out.
enum class KeptOut { no, route_allow, route_deny, host_allow, host_deny };

struct Match {
  const RouteTarget* target = nullptr;     // null: 404
  const conf::HostPolicy* host = nullptr;  // what `hosts:` says of the request's host; null: nothing
  bool host_known = false;                 // some route names this host (hostless routes don't make it known)

  KeptOut keeps_out(const IpAddress& client) const;  // REQUIRES a target
  bool permits(const IpAddress& client) const;       // by all of them; false without a target
  conf::HttpMode http() const;
  Millis hsts() const;
};

// One line of `gatehouse explain`.
struct Candidate {
  const RouteTarget* target = nullptr;
  std::string verdict;  // "taken", or why not
};

class Matcher {
 public:
  using Services = std::vector<std::shared_ptr<const conf::Service>>;
  Matcher();
  // What can't be matched (a host pattern with a star elsewhere) or never is (an equal route before it) goes to
  // findings.
  Matcher(const Services& services, const std::map<std::string, conf::HostPolicy>& hosts, conf::Findings& findings);
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;

  Match match(const RouteRequest& request) const;
  // The routes of every host pattern that covers the request's host, in the order they were considered.
  std::vector<Candidate> explain(const RouteRequest& request) const;
  // What `hosts:` says of a host, whether a route has it or not.
  const conf::HostPolicy* host_policy(std::string_view host) const;

  std::span<const RouteTarget> targets() const;

 private:
  friend class MatcherBuilder;
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace gatehouse::route
