#include "net/memory_tls.h"

#include "net/openssl_error.h"
#include "net/tls_client_context.h"

namespace gatehouse {

Result<MemoryTls> MemoryTls::make(SslPtr ssl) {
  BioPtr in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem()));
  if (!in || !out) return Error{Errc::tls, take_openssl_error()};
  SSL_set_bio(ssl.get(), in.release(), out.release());
  return MemoryTls(std::move(ssl));
}

Status MemoryTls::failed() const { return Error{Errc::tls, describe_tls_failure(ssl_.get())}; }

Status MemoryTls::start() {
  take_openssl_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) return failed();
  return Done{};
}

Status MemoryTls::feed(std::string_view bytes, std::string& plain) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  if (!ready()) {
    if (const Status started = start(); !started || !ready()) return started;
  }
  take_openssl_error();
  char out[16384];
  for (;;) {
    const int got = SSL_read(ssl_.get(), out, sizeof out);
    if (got > 0) {
      plain.append(out, static_cast<std::size_t>(got));
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), got);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN) return Done{};
    return failed();
  }
}

Status MemoryTls::send(std::string_view plain) {
  take_openssl_error();
  if (!plain.empty() && SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) <= 0) return failed();
  return Done{};
}

std::string MemoryTls::take() {
  char* bytes = nullptr;
  BIO* out = SSL_get_wbio(ssl_.get());
  const long size = BIO_get_mem_data(out, &bytes);
  std::string taken(bytes, static_cast<std::size_t>(size > 0 ? size : 0));
  BIO_reset(out);
  return taken;
}

std::string_view MemoryTls::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace gatehouse
