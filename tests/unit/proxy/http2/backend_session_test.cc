#include "proxy/http2/backend_session.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/http2/backend_peer.h"

namespace gatehouse::http2 {
namespace {

using namespace backend_test;
using namespace std::string_literals;
using Fault = BackendStream::Fault;

const Fields ok_fields = {{":status", "200"}};

Fields with(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// ---- requests

TEST(BackendSession, SaysARequestWithoutTheFieldsOfOneConnection) {
  Pair pair;
  const auto stream = pair.open(
      "GET /a?b HTTP/1.1\r\nHost: a.example:81\r\nX-One: 1\r\nUpgrade: foo\r\nConnection: Upgrade\r\n"
      "Keep-Alive: x\r\nTE: trailers\r\n\r\n");
  const Peer::Seen& seen = pair.peer.seen[1];
  EXPECT_EQ(seen.fields, (Fields{{":method", "GET"},
                                 {":scheme", "http"},
                                 {":path", "/a?b"},
                                 {":authority", "a.example:81"},
                                 {"x-one", "1"},
                                 {"te", "trailers"}}));
  EXPECT_TRUE(seen.ended);
}

TEST(BackendSession, CarriesABodyOfKnownLength) {
  Pair pair;
  auto stream = std::make_unique<BackendStream>(pair.session);
  EXPECT_EQ(Pair::send(*stream, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"), 50u);
  pair.run();
  EXPECT_FALSE(pair.peer.seen[1].ended);
  EXPECT_EQ(Pair::send(*stream, "lo"), 2u);
  pair.run();
  EXPECT_EQ(pair.peer.seen[1].body, "hello");
  EXPECT_TRUE(pair.peer.seen[1].ended);
}

TEST(BackendSession, AHeadWhoseBodyIsLongInComingGoesAtOnce) {
  Pair pair;
  const auto stream = std::make_unique<BackendStream>(pair.session);
  const unsigned before = pair.asked;
  Pair::send(*stream, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_GT(pair.asked, before);
}

TEST(BackendSession, TakesAChunkedBodyApartAndKeepsItsTrailers) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 7\r\nGrpc-Thing: a b\r\n\r\n";
  for (std::size_t piece = 1; piece <= body.size(); piece += 3) {
    Pair pair;
    const auto stream = pair.open(head);
    for (std::size_t at = 0; at < body.size(); at += piece) Pair::send(*stream, body.substr(at, piece)), pair.run();
    EXPECT_EQ(pair.peer.seen[1].body, "hello world");
    EXPECT_EQ(pair.peer.seen[1].trailers, (Fields{{"x-sum", "7"}, {"grpc-thing", "a b"}}));
    EXPECT_TRUE(pair.peer.seen[1].ended);
  }
}

TEST(BackendSession, ABackendThatTakesNothingHoldsBackTheBody) {
  Pair pair;
  const auto stream = pair.open("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  const std::string much(1000000, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 10; ++i) sent += Pair::send(*stream, std::string_view(much).substr(sent)), pair.run();
  EXPECT_EQ(sent, body_waiting_max + 65535);
  EXPECT_FALSE(stream->writable());
  EXPECT_LE(pair.buffers.bytes_out(), 2 * BufferPool::large);
  for (int i = 0; i < 1000 && sent < much.size(); ++i) {
    const std::size_t there = pair.peer.seen[1].body.size();
    pair.peer.take_more(1, std::min<std::size_t>(there, 65535));
    pair.run();
    sent += Pair::send(*stream, std::string_view(much).substr(sent));
    pair.run();
  }
  EXPECT_EQ(sent, much.size());
}

// ---- answers

TEST(BackendSession, GivesTheAnswerAsHttp1) {
  struct Row {
    const char* what;
    std::string request;
    Fields fields;
    std::optional<Peer::Body> body;
    std::string text;
  };
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::vector<Row> rows = {
      {"known length",
       get,
       {{":status", "200"}, {"content-length", "2"}, {"a", "b"}},
       Peer::Body{"hi"},
       "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\nhi."},
      {"unknown length", get, ok_fields, Peer::Body{"hi"},
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n."},
      {"trailers", get, ok_fields, Peer::Body{"hi", 0, true, {{"x-t", "1"}}},
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n."},
      {"no body", get, {{":status", "200"}}, std::nullopt, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n."},
      {"204", get, {{":status", "204"}}, std::nullopt, "HTTP/1.1 204 No Content\r\n\r\n."},
      {"304",
       get,
       {{":status", "304"}, {"content-length", "7"}},
       std::nullopt,
       "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n."},
      {"to HEAD",
       head,
       {{":status", "200"}, {"content-length", "7"}},
       std::nullopt,
       "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n."},
      {"gRPC, with a length",
       get,
       {{":status", "200"}, {"content-type", "application/grpc"}, {"content-length", "2"}},
       Peer::Body{"hi", 0, true, {{"grpc-status", "0"}}},
       "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n"
       "2\r\nhi\r\n0\r\ngrpc-status: 0\r\n\r\n."},
      {"gRPC, trailers only",
       get,
       {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "5"}},
       std::nullopt,
       "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n."},
      {"trailers behind a known length",
       get,
       {{":status", "200"}, {"content-length", "2"}},
       Peer::Body{"hi", 0, true, {{"x-t", "1"}}},
       "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi."},
      {"odd status", get, {{":status", "299"}}, std::nullopt, "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n."},
  };
  for (const Row& row : rows)
    for (const std::size_t piece : {1u, 7u, 4096u}) {
      Pair pair;
      const auto stream = pair.open(row.request);
      row.body ? pair.peer.answer(1, row.fields, *row.body) : pair.peer.answer(1, row.fields);
      pair.run();
      EXPECT_EQ(Pair::read(*stream, piece), row.text) << row.what;
      EXPECT_EQ(stream->fault(), Fault::none) << row.what;
    }
}

TEST(BackendSession, InterimAnswersComeFirst) {
  Pair pair;
  const auto stream = pair.open();
  pair.peer.interim(1, {{":status", "103"}, {"link", "</a>"}});
  pair.run();
  EXPECT_EQ(Pair::read(*stream), "HTTP/1.1 103 \r\nlink: </a>\r\n\r\n");
  pair.peer.answer(1, ok_fields);
  pair.run();
  EXPECT_EQ(Pair::read(*stream), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n.");
}

TEST(BackendSession, AStalledReaderCostsOneWindowAndHoldsUpNobody) {
  constexpr std::size_t window = 64 << 10;
  Pair pair({}, {.streams_max = 10, .window = window});
  const std::string much(1 << 20, 'x');
  std::vector<std::unique_ptr<BackendStream>> stalled;
  for (int i = 0; i < 9; ++i) {
    stalled.push_back(pair.open());
    pair.peer.answer(2 * i + 1, ok_fields, {much});
  }
  pair.run();
  EXPECT_LE(pair.buffers.bytes_out(), 9 * 2 * window);
  EXPECT_EQ(pair.peer.bodies[1].sent, window);
  const auto other = pair.open();
  pair.peer.answer(19, {{":status", "200"}, {"content-length", std::to_string(much.size())}}, {much});
  std::string got;
  for (int i = 0; i < 200 && !got.ends_with('.'); ++i) pair.run(), got += Pair::read(*other);
  EXPECT_EQ(got.size() - 1, std::string("HTTP/1.1 200 OK\r\ncontent-length: 1048576\r\n\r\n").size() + much.size());
  stalled.clear();
  pair.run();
  EXPECT_TRUE(pair.peer.seen[1].closed);
  EXPECT_EQ(pair.peer.seen[1].code, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(pair.session.in_use(), 0u);
  // What the stalled ones had not taken is credited to the connection again.
  EXPECT_GE(nghttp2_session_get_remote_window_size(pair.peer.session), 640 << 10);
}

// ---- failures

TEST(BackendSession, MalformedAnswersAreNoAnswers) {
  struct Row {
    const char* what;
    Fields fields;
    std::string body;
  };
  const std::vector<Row> rows = {
      {"a capital", with(ok_fields, {{"X-Big", "1"}}), ""},
      {"connection", with(ok_fields, {{"connection", "close"}}), ""},
      {"transfer-encoding", with(ok_fields, {{"transfer-encoding", "chunked"}}), ""},
      {"upgrade", with(ok_fields, {{"upgrade", "h2c"}}), ""},
      {"keep-alive", with(ok_fields, {{"keep-alive", "timeout=5"}}), ""},
      {"a line end in a value", with(ok_fields, {{"a", "b\r\nset-cookie: x"}}), ""},
      {"NUL in a value", with(ok_fields, {{"a", "b\0c"s}}), ""},
      {"a space in a name", with(ok_fields, {{"a b", "c"}}), ""},
      {"a colon in a name", with(ok_fields, {{"a:b", "c"}}), ""},
      {"no status", {{"a", "b"}}, ""},
      {"two statuses", with(ok_fields, {{":status", "201"}}), ""},
      {"status last", {{"a", "b"}, {":status", "200"}}, ""},
      {"status 101", {{":status", "101"}}, ""},
      {"status 20", {{":status", "20"}}, ""},
      {"status 2000", {{":status", "2000"}}, ""},
      {"an unknown pseudo-field", with(ok_fields, {{":x", "1"}}), ""},
      {"two lengths", with(ok_fields, {{"content-length", "1"}, {"content-length", "2"}}), "x"},
      {"no number", with(ok_fields, {{"content-length", "1x"}}), "x"},
      {"longer than told", with(ok_fields, {{"content-length", "1"}}), "xy"},
      {"shorter than told", with(ok_fields, {{"content-length", "3"}}), "xy"},
      {"body behind 204", {{":status", "204"}}, "x"},
      {"a head too large", with(ok_fields, {{"a", std::string(31000, 'x')}, {"b", std::string(31000, 'x')}}), ""},
  };
  for (const Row& row : rows) {
    Pair pair;
    const auto stream = pair.open();
    pair.peer.answer(1, row.fields, {row.body});
    pair.run();
    EXPECT_TRUE(Pair::read(*stream).ends_with('!')) << row.what;
    EXPECT_EQ(stream->fault(), Fault::malformed) << row.what;
    EXPECT_TRUE(pair.peer.seen[1].closed) << row.what;
    EXPECT_EQ(pair.session.in_use(), 0u) << row.what;
    EXPECT_EQ(pair.session.broken(), "") << row.what;
  }
}

TEST(BackendSession, InterimAnswersAreBounded) {
  for (const int count : {100, 101}) {
    Pair pair;
    const auto stream = pair.open();
    for (int i = 0; i < count; ++i) pair.peer.interim(1, {{":status", "103"}});
    pair.run();
    EXPECT_EQ(stream->fault(), count == 100 ? Fault::none : Fault::malformed) << count;
  }
}

TEST(BackendSession, WhatWasNotProcessedForCertainIsToldApart) {
  Pair pair;
  const auto answered = pair.open(), beyond = pair.open();
  nghttp2_submit_goaway(pair.peer.session, 0, 1, NGHTTP2_NO_ERROR, nullptr, 0);
  pair.run();
  EXPECT_EQ(beyond->fault(), Fault::not_processed);
  EXPECT_EQ(answered->fault(), Fault::none);
  EXPECT_FALSE(pair.session.has_room());
  pair.peer.answer(1, ok_fields);
  pair.run();
  EXPECT_EQ(Pair::read(*answered), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n.");
}

TEST(BackendSession, AResetIsAFaultByItsCode) {
  for (const auto& [code, fault] :
       {std::pair{NGHTTP2_REFUSED_STREAM, Fault::not_processed}, std::pair{NGHTTP2_INTERNAL_ERROR, Fault::reset},
        std::pair{NGHTTP2_NO_ERROR, Fault::reset}}) {
    Pair pair;
    const auto stream = pair.open();
    pair.peer.reset(1, code);
    pair.run();
    EXPECT_EQ(Pair::read(*stream), "!");
    EXPECT_EQ(stream->fault(), fault);
    EXPECT_EQ(pair.session.in_use(), 0u);
  }
}

TEST(BackendSession, ABackendThatRefusesIsAskedForLessAtOnce) {
  Pair pair;
  const auto first = pair.open(), second = pair.open(), third = pair.open();
  pair.peer.reset(5, NGHTTP2_REFUSED_STREAM);
  pair.run();
  EXPECT_FALSE(pair.session.has_room());
  pair.peer.answer(1, ok_fields);
  pair.run();
  EXPECT_TRUE(pair.session.has_room());
}

TEST(BackendSession, ALostConnectionEndsItsStreams) {
  Pair pair;
  const auto sent = pair.open();
  BackendStream unsent(pair.session);
  Pair::send(unsent, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  pair.session.lose(Fault::lost);
  EXPECT_EQ(sent->fault(), Fault::lost);
  EXPECT_EQ(unsent.fault(), Fault::not_processed);
  EXPECT_EQ(Pair::read(unsent), "!");
}

// RFC 9110 9.2.2: a request that never arrived may be sent again, whatever it asks for.
TEST(BackendSession, WhatTheBackendsTcpNeverAcknowledgedWasNotProcessed) {
  Pair pair;
  const auto arrived = pair.open(), unasked = pair.open(), behind = pair.open();
  arrived->acked_before = 100;
  behind->acked_before = 300;
  pair.session.lose(Fault::lost, 300);
  EXPECT_EQ(arrived->fault(), Fault::lost);
  EXPECT_EQ(unasked->fault(), Fault::lost);
  EXPECT_EQ(behind->fault(), Fault::not_processed);
}

TEST(BackendSession, WhereTheBackendsTcpTellsNothingASentRequestMayHaveArrived) {
  Pair pair;
  const auto unasked = pair.open(), asked = pair.open();
  asked->acked_before = 100;
  pair.session.lose(Fault::lost);
  EXPECT_EQ(unasked->fault(), Fault::lost);
  EXPECT_EQ(asked->fault(), Fault::lost);
}

TEST(BackendSession, AnAnswerThatIsWholeOutlivesItsConnection) {
  Pair pair;
  const auto stream = pair.open();
  pair.peer.answer(1, ok_fields, {"hi"});
  pair.run();
  pair.session.lose(Fault::lost);
  EXPECT_EQ(stream->fault(), Fault::none);
  EXPECT_TRUE(Pair::read(*stream).ends_with("2\r\nhi\r\n0\r\n\r\n."));
}

// RFC 9113 8.1: it needs no more of the request.
TEST(BackendSession, ABackendMayAnswerBeforeTheRequestIsWhole) {
  Pair pair;
  const auto stream = pair.open("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  pair.peer.answer(1, ok_fields);
  pair.run();
  pair.peer.reset(1, NGHTTP2_NO_ERROR);
  pair.run();
  EXPECT_EQ(Pair::read(*stream), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n.");
  EXPECT_EQ(stream->fault(), Fault::none);
  EXPECT_EQ(stream->send("def", 3).state, IoResult::State::failed);
}

TEST(BackendSession, WhoLeavesResetsTheStreamAndSendsNoHalfFrame) {
  Pair pair;
  auto stream = pair.open("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
  Pair::send(*stream, "abc");
  stream.reset();
  pair.run();
  EXPECT_EQ(pair.peer.seen[1].body, "");
  EXPECT_EQ(pair.peer.seen[1].code, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(pair.session.in_use(), 0u);
  // Before its head went, there was no stream at all.
  stream = std::make_unique<BackendStream>(pair.session);
  Pair::send(*stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  stream.reset();
  pair.run();
  EXPECT_FALSE(pair.peer.seen.contains(3));
  EXPECT_EQ(pair.session.in_use(), 0u);
}

// ---- limits

TEST(BackendSession, StreamsAreBoundedByUsAndByTheBackend) {
  Pair ours({}, {.streams_max = 2});
  const auto one = ours.open();
  EXPECT_TRUE(ours.session.has_room());
  const auto two = ours.open();
  EXPECT_FALSE(ours.session.has_room());
  Pair theirs({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  const auto only = theirs.open();
  EXPECT_FALSE(theirs.session.has_room());
}

TEST(BackendSession, OddEventsShareOneBucket) {
  for (const unsigned extra : {0u, 1u}) {
    Pair pair;
    const auto stream = pair.open();
    const std::string ping("\0\0\x08\x06\0\0\0\0\0abcdefgh", 17), unknown("\0\0\0\x77\0\0\0\0\0", 9);
    std::string flood;
    const unsigned most = BackendSession::odd_events_max + extra;
    for (unsigned i = 0; i < most; ++i) flood += i % 2 ? unknown : ping;
    pair.session.feed(flood, pair.now);
    EXPECT_EQ(pair.session.broken().empty(), extra == 0);
    pair.run();
    EXPECT_EQ(pair.peer.going, extra == 1);
  }
}

TEST(BackendSession, WhatIsNoHttp2BreaksTheSession) {
  Pair pair;
  EXPECT_TRUE(pair.session.ready());
  BackendSession fresh(pair.buffers, {}, "http", pair);
  fresh.feed("HTTP/1.1 400 Bad Request\r\n\r\n", 1);
  Buffer out = pair.buffers.take(BufferPool::large);
  fresh.pull(out);
  EXPECT_EQ(fresh.broken(), "the backend speaks no HTTP/2");
  EXPECT_FALSE(fresh.ready());
}

// ---- WebSocket

const std::string websocket =
    "GET /chat HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

TEST(BackendSession, AWebSocketIsAnExtendedConnect) {
  Pair pair({{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}});
  const auto stream = pair.open(websocket);
  EXPECT_TRUE(stream->allows_websocket());
  EXPECT_EQ(pair.peer.seen[1].fields, (Fields{{":method", "CONNECT"},
                                              {":scheme", "http"},
                                              {":path", "/chat"},
                                              {":authority", "a"},
                                              {":protocol", "websocket"},
                                              {"sec-websocket-version", "13"}}));
  EXPECT_FALSE(pair.peer.seen[1].ended);
  pair.peer.answer(1, ok_fields, {"pong", 0, false, {}});
  pair.run();
  EXPECT_EQ(Pair::read(*stream),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\npong");
  Pair::send(*stream, "ping");
  stream->end_sending();
  pair.run();
  EXPECT_EQ(pair.peer.seen[1].body, "ping");
  EXPECT_TRUE(pair.peer.seen[1].ended);
}

TEST(BackendSession, WhereNoWebSocketIsOfferedNoneIsAskedFor) {
  Pair pair;
  const auto stream = pair.open(websocket);
  EXPECT_FALSE(stream->allows_websocket());
  EXPECT_EQ(pair.peer.seen[1].fields[0], (std::pair<std::string, std::string>(":method", "GET")));
}

}  // namespace
}  // namespace gatehouse::http2
