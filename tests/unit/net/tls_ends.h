// tls_ends.h: two ends of a TLS connection in memory, shaken hands in turns.
#pragma once

#include <string>
#include <utility>

#include "net/openssl_error.h"
#include "net/openssl_ptr.h"

namespace gatehouse::test {

struct TlsEnds {
  SslPtr client, server;
  std::string client_error, server_error;

  TlsEnds(SslPtr client_end, SslPtr server_end) : client(std::move(client_end)), server(std::move(server_end)) {
    BIO *a = nullptr, *b = nullptr;
    BIO_new_bio_pair(&a, 1 << 17, &b, 1 << 17);
    SSL_set_bio(client.get(), a, a);
    SSL_set_bio(server.get(), b, b);
  }

  // False: one of them failed. Afterwards both have read what the other sent last (tickets, alerts).
  bool shake_hands() {
    bool client_done = false, server_done = false;
    for (int turn = 0; turn < 8; ++turn) {
      client_done = advance(client.get(), client_error);
      server_done = advance(server.get(), server_error);
    }
    drain(client.get(), client_error);
    drain(server.get(), server_error);
    return client_done && server_done;
  }

  std::string say(SSL* from, SSL* to, const std::string& text) {
    char buffer[256];
    if (SSL_write(from, text.data(), static_cast<int>(text.size())) != static_cast<int>(text.size())) return "";
    const int n = SSL_read(to, buffer, sizeof buffer);
    take_openssl_error();
    return n > 0 ? std::string(buffer, n) : "";
  }

  static bool advance(SSL* end, std::string& error) {
    const int result = SSL_do_handshake(end);
    if (result != 1 && SSL_get_error(end, result) != SSL_ERROR_WANT_READ && error.empty())
      error = take_openssl_error();
    take_openssl_error();
    return result == 1;
  }
  static void drain(SSL* end, std::string& error) {
    char none[1];
    const int n = SSL_peek(end, none, sizeof none);
    if (n <= 0 && SSL_get_error(end, n) == SSL_ERROR_SSL && error.empty()) error = take_openssl_error();
    take_openssl_error();
  }
};

}  // namespace gatehouse::test
