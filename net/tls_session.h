// tls_session.h: one TLS connection over a Socket, OpenSSL driven through a BIO of our own.
//   Reads go from the socket straight into OpenSSL's record buffer; writes are gathered in the loop's stage, and many
//   records leave in one send. What the socket doesn't take is kept (bounded by one write of the caller's) and goes
//   first next time: OpenSSL never sees a blocked write, so it never holds half a record for us.
//   Threads  the loop's own. The SSL's application data (SSL_set_app_data) is the caller's; ours is on the BIO.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "net/buffer.h"
#include "net/openssl_ptr.h"
#include "net/socket.h"

namespace gatehouse {

class TlsSession {
 public:
  // Takes the SSL, which must be fresh and in accept or connect state.
  TlsSession(SslPtr ssl, Socket& socket);
  TlsSession(const TlsSession&) = delete;
  ~TlsSession() { drop_pending(); }

  // Bytes that were read off the socket before TLS began. REQUIRES that nothing was read yet.
  void replay(Buffer first) { first_ = std::move(first); }
  IoResult handshake();
  IoResult receive(char* data, std::size_t size);
  // Takes all of it, or nothing (again). What could not be sent yet is pending(). `last`: close_notify goes along.
  IoResult send(const char* data, std::size_t size, bool last = false);
  IoResult flush();  // ok: nothing is pending
  // What handshake() kept for the first write leaves now: the other side may be the one who speaks first.
  void send_held() {
    stage_held();
    send_stage();
  }
  bool pending() const { return sent_ < pending_.size(); }
  // More may be had without the socket: not so where what is buffered is a record that isn't whole.
  bool has_buffered_input() const {
    return first_ || end_.state != IoResult::State::again || (!starved_ && SSL_has_pending(ssl_.get()) == 1);
  }
  void close_notify();
  // Fresh keys for both directions from the next write on (RFC 8446 4.6.3). Of TLS 1.2: nothing.
  void update_keys();
  // The same by itself, with the next write once so much has moved, or 2^23 records were sent: half of what AES-GCM
  // bears under one key (RFC 8446 5.5).
  void renew_keys_after(std::uint64_t bytes) { renew_after_ = bytes; }
  static constexpr std::uint64_t records_most = 1ull << 23;
  std::uint64_t records_sent() const { return records_sent_; }  // with data
  // What the sessions of this thread keep because their sockets didn't take it.
  static std::size_t bytes_pending();

  SSL* ssl() { return ssl_.get(); }
  std::string_view protocol() const;                 // agreed by ALPN; empty: none
  std::string error_text() const { return error_; }  // of the last failure
  // What kind of failure that was: the connection ended, the other side said no (an alert), or it broke the protocol.
  enum class Failure : std::uint8_t { closed, alert, protocol };
  Failure failure() const { return failure_; }

 private:
  static int bio_write(BIO*, const char*, int);
  static int bio_read(BIO*, char*, int);
  static long bio_control(BIO*, int, long, void*);
  static BIO_METHOD* bio_method();
  int replay_some(char* data, int size);
  IoResult judge(int result);
  static Failure failure_of(unsigned long error);  // OpenSSL's
  void renew_keys_when_due();
  IoResult send_stage(bool more = false);
  void hold_stage();
  void stage_held();
  void keep_pending(const char* data, std::size_t size);
  void drop_pending();
  void stage_close_notify();

  SslPtr ssl_;
  Socket& socket_;
  Buffer first_;      // to be replayed
  std::string held_;  // written, but kept for the next send: a ticket that goes with the first answer
  std::string pending_;
  std::size_t sent_ = 0;
  bool starved_ = false;                  // OpenSSL asked for more than the socket had
  IoResult end_{IoResult::State::again};  // came behind data that was given out first; again: none did
  std::string error_;
  Failure failure_ = Failure::closed;
  unsigned empty_reads_ = 0;  // in a row
  std::uint64_t records_sent_ = 0;
  std::uint64_t renew_after_ = 0, moved_ = 0, moved_at_renewal_ = 0, records_at_renewal_ = 0;  // 0: not by itself
};

}  // namespace gatehouse
