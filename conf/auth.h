// auth.h: who may pass a route, as plain data: `auth` of gatehouse.yaml, and what of it a route asks for.
//   basic    names and hashed passwords of an htpasswd file, read when the table is made: no route opens a file.
//   forward  a server that is asked about each request. It is a service of its own in the routing table, without
//            routes, so that it has endpoints, connections, health and names like any other.
//   A route whose word can't be kept is refused: nobody passes by mistake. Pure: reading is a parameter.
//   Limits   htpasswd 1 MiB and 10000 users; 32 fields that are copied.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/clock.h"
#include "net/result.h"

namespace gatehouse::conf {

// An entry of gatehouse.yaml's `auth`: a file or a URL.
struct AuthSource {
  std::string file, realm;
  std::string url;                  // "http://127.0.0.1:4181/verify"
  std::vector<std::string> fields;  // of its answer, that the backend gets
  Millis timeout = 5s;
  bool operator==(const AuthSource&) const = default;
};

struct Login {
  std::string name, hash;
  bool operator==(const Login&) const = default;
};

struct AuthPolicy {
  enum class Kind { basic, forward };
  Kind kind = Kind::basic;
  std::string realm;
  std::vector<Login> logins;        // sorted by name
  std::string service, target;      // whom to ask, and for what
  std::vector<std::string> fields;  // that the backend gets, and nobody else may send
  Millis timeout = 5s;
  const Login* find(std::string_view name) const;
  bool operator==(const AuthPolicy&) const = default;
};

// What a route says of it, and what that means now.
struct RouteAuth {
  std::string said;  // "basic:staff", "forward:sso", "forward:http://127.0.0.1:4181/verify"; empty: all may pass
  std::shared_ptr<const AuthPolicy> policy;  // equal ones are shared between tables
  bool operator==(const RouteAuth&) const = default;
};

Result<std::string> parse_auth(std::string_view text);  // "basic:NAME", "forward:NAME", "forward:URL"
Result<std::string> check_auth_name(std::string_view name);

// The parts of "http://host:port/path".
struct AuthUrl {
  bool tls = false;
  std::string host, authority, target;
  std::uint16_t port = 0;
};
Result<AuthUrl> parse_auth_url(std::string_view url);

// An htpasswd file. A line that can't be used is an error of its own: told, and nobody passes by it.
struct PasswordFile {
  static constexpr std::size_t logins_max = 10'000;
  std::vector<Login> logins;
  std::vector<std::string> wrong;
};
PasswordFile parse_password_file(std::string_view text);

// Hashes that verify_password() knows: bcrypt, SHA-crypt, yescrypt, MD5-crypt, Apache's, {SHA}.
bool is_known_hash(std::string_view hash);

}  // namespace gatehouse::conf
