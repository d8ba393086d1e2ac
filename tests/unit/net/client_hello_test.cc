#include "net/client_hello.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/openssl_ptr.h"

namespace gatehouse {
namespace {

using State = ClientHelloReading::State;

std::string number(std::size_t value, unsigned size) {
  std::string out;
  while (size-- > 0) out += static_cast<char>(value >> (8 * size));
  return out;
}
std::string sized(const std::string& bytes, unsigned size) { return number(bytes.size(), size) + bytes; }
std::string extension(unsigned type, const std::string& bytes) { return number(type, 2) + sized(bytes, 2); }
std::string name_extension(const std::string& name) {
  return extension(0, sized(std::string(1, '\0') + sized(name, 2), 2));
}

std::string message(const std::string& extensions) {
  const std::string body = "\x03\x03" + std::string(32, 'r') + sized(std::string(32, 's'), 1) +
                           sized("\x13\x01\x13\x02", 2) + sized(std::string(1, '\0'), 1) + extensions;
  return "\x01" + sized(body, 3);
}
std::string record(const std::string& bytes) { return "\x16\x03\x01" + sized(bytes, 2); }
std::string hello(const std::string& name) {
  return record(message(sized(extension(10, std::string(9, 'g')) + name_extension(name) + extension(43, "xx"), 2)));
}

std::string name_in(std::string_view bytes) {
  const ClientHelloReading read = read_client_hello(bytes);
  EXPECT_EQ(read.state, State::complete);
  return read.server_name ? std::string(read.server_name->text()) : "";
}

TEST(ClientHello, NamesWhomItAsksFor) { EXPECT_EQ(name_in(hello("Mail.Example.")), "mail.example"); }

TEST(ClientHello, OpensslsOwnIsRead) {
  const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  const SslPtr ssl(SSL_new(context.get()));
  SSL_set_tlsext_host_name(ssl.get(), "learn.bank.example");
  BIO *ours = nullptr, *theirs = nullptr;
  BIO_new_bio_pair(&ours, 1 << 15, &theirs, 1 << 15);
  SSL_set_bio(ssl.get(), ours, ours);
  SSL_connect(ssl.get());
  char bytes[1 << 15];
  const int size = BIO_read(theirs, bytes, sizeof bytes);
  BIO_free(theirs);
  ASSERT_GT(size, 100);
  EXPECT_EQ(name_in({bytes, static_cast<std::size_t>(size)}), "learn.bank.example");
}

TEST(ClientHello, IsIncompleteUntilItsLastByteAndTheSameWhateverFollows) {
  const std::string whole = hello("mail.example");
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_EQ(read_client_hello(whole.substr(0, size)).state, State::incomplete) << size;
  EXPECT_EQ(name_in(whole + "\x17\x03\x03\x01"), "mail.example");
}

TEST(ClientHello, MayBeSplitOverRecordsAnywhere) {
  const std::string bytes = message(sized(name_extension("mail.example"), 2));
  for (std::size_t first = 1; first < bytes.size(); ++first)
    ASSERT_EQ(name_in(record(bytes.substr(0, first)) + record(bytes.substr(first))), "mail.example") << first;
  std::string one_by_one;
  for (const char byte : bytes) one_by_one += record(std::string(1, byte));
  EXPECT_EQ(name_in(one_by_one), "mail.example");
}

TEST(ClientHello, WithoutANameItIsCompleteAllTheSame) {
  EXPECT_EQ(name_in(record(message(""))), "");
  EXPECT_EQ(name_in(record(message(sized("", 2)))), "");
  EXPECT_EQ(name_in(record(message(sized(extension(10, "g"), 2)))), "");
  EXPECT_EQ(name_in(hello("192.0.2.1/24")), "") << "no name that a host has";
}

TEST(ClientHello, WhatIsNoneIsRefusedAtItsFirstWrongByte) {
  const auto state = [](const std::string& bytes) { return read_client_hello(bytes).state; };
  EXPECT_EQ(state("G"), State::refused);
  EXPECT_EQ(state("GET / HTTP/1.1\r\n"), State::refused);
  EXPECT_EQ(state("\x80\x2e\x01"), State::refused) << "SSL 2";
  EXPECT_EQ(state("\x16\x02"), State::refused);
  EXPECT_EQ(state(std::string("\x16\x03\x01\x00\x00", 5)), State::refused) << "an empty record";
  EXPECT_EQ(state(std::string("\x16\x03\x01\x40\x01", 5)), State::refused) << "a record of 16385 bytes";
  EXPECT_EQ(state(std::string("\x16\x03\x01\x00\x04\x02", 6)), State::refused) << "a ServerHello";
  EXPECT_EQ(state(record(message("")).substr(0, 9) + record("x")), State::incomplete);
  EXPECT_EQ(state(std::string("\x16\x03\x01\x00\x04\x01\x00\x40\x01", 9)), State::refused) << "longer than may be";
}

TEST(ClientHello, LengthsThatContradictEachOtherAreRefused) {
  const auto state = [](const std::string& extensions) {
    return read_client_hello(record(message(extensions))).state;
  };
  const std::string name = name_extension("mail.example");
  EXPECT_EQ(state(number(name.size() + 1, 2) + name), State::refused);
  EXPECT_EQ(state(number(name.size() - 1, 2) + name), State::refused);
  EXPECT_EQ(state(sized(name + name, 2)), State::refused) << "twice";
  EXPECT_EQ(state(sized(extension(0, std::string(513, 'x')), 2)), State::refused);
  EXPECT_EQ(state(sized(number(10, 2) + number(9, 2) + "g", 2)), State::refused);
}

TEST(ClientHello, IsRefusedOneByteBeyondItsLimit) {
  const auto of_size = [](std::size_t size) {
    const std::string around = record(message(sized(extension(21, "") + name_extension("a.example"), 2)));
    const std::string padding(size - around.size(), 'p');
    return record(message(sized(extension(21, padding) + name_extension("a.example"), 2)));
  };
  const std::string most = of_size(client_hello_bytes_max);
  ASSERT_EQ(most.size(), client_hello_bytes_max);
  EXPECT_EQ(name_in(most), "a.example");
  EXPECT_EQ(read_client_hello(of_size(client_hello_bytes_max + 1)).state, State::refused);
}

}  // namespace
}  // namespace gatehouse
