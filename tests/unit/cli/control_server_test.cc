// The control plane's small HTTP server with its client, over real sockets of this process.
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/admin_client_io.h"
#include "cli/http_server_io.h"
#include "net/unique_fd.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

// Runs the server's loop beside the test.
class ControlServer : public testing::Test {
 protected:
  ~ControlServer() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void run() {
    thread_ = std::thread([this] {
      const auto guard = asio::make_work_guard(io_);
      io_.run();
    });
  }
  std::string socket() const { return folder_.path("admin.sock"); }
  // Kept until the loop has ended: it is used by that thread.
  Status serve() { return keep(serve_unix(io_, socket(), "", echo)); }
  Status keep(Result<std::unique_ptr<HttpServer>> made) {
    if (!made) return made.error();
    server_ = std::move(*made);
    return Done{};
  }
  static HttpReply echo(const HttpRequest& request) {
    HttpReply reply;
    reply.body = request.method + " " + request.path + " " + request.query_or("a") + " by " + request.by;
    return reply;
  }

  // What the server says to these bytes, until it closes.
  std::string exchange(const std::string& bytes) const {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "cannot connect";
    if (::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
      return "cut";
    return until_closed(fd);
  }

  UniqueFd connected_from(const std::string& ip) const {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    socklen_t length = SocketAddress::parse(ip + ":0")->to(storage);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    length = server_->address()->to(storage);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return fd;
  }
  static std::string said_to(const UniqueFd& fd) {
    const std::string bytes = "GET / HTTP/1.0\r\n\r\n";
    if (::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) return "";
    return until_closed(fd);
  }
  static std::string until_closed(const UniqueFd& fd) {
    std::string out;
    char chunk[4096];
    for (ssize_t got; (got = ::recv(fd.get(), chunk, sizeof chunk, 0)) > 0;)
      out.append(chunk, static_cast<std::size_t>(got));
    return out;
  }

  const ScratchFolder folder_;
  asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(ControlServer, AnswersTheClientAndKnowsWhoAsks) {
  ASSERT_TRUE(serve());
  run();
  const Result<HttpReply> reply = ask(socket(), "POST", "/x?a=" + percent_encode("b/c d\n%"));
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body,
            "POST /x b/c d\n% by uid " + std::to_string(::getuid()) + " (pid " + std::to_string(::getpid()) + ")");
}

TEST_F(ControlServer, ItsSocketIsNotForOthers) {
  ASSERT_TRUE(serve());
  struct stat info{};
  ASSERT_EQ(::stat(socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
}

TEST_F(ControlServer, ALiveSocketIsNotTakenOverAndAStaleOneIs) {
  ASSERT_TRUE(serve());
  const auto second = serve_unix(io_, socket(), "", echo);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("another gatehouse"), std::string::npos);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket()));
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(serve());
}

TEST_F(ControlServer, AQueueThatIsFullHoldsUpNeitherAStartNorAClient) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket().copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.get(), at, sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  std::vector<UniqueFd> waiting;
  do waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  while (::connect(waiting.back().get(), at, sizeof address) == 0);
  ASSERT_EQ(errno, EAGAIN);
  const Status served = serve();
  ASSERT_FALSE(served);
  EXPECT_NE(served.error().what.find("another gatehouse"), std::string::npos) << served.error().what;
  const Result<HttpReply> reply = ask(socket(), "GET", "/", Millis(50));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::timed_out);
}

// No descriptor can be opened. Puts it back at its end.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &usual_);
    const rlimit none{0, usual_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &usual_); }
  NoDescriptors(const NoDescriptors&) = delete;

 private:
  rlimit usual_{};
};

TEST_F(ControlServer, ASocketThatCannotBeAskedIsLeftAlone) {
  ASSERT_TRUE(serve());
  {
    const NoDescriptors none;
    EXPECT_FALSE(serve_unix(io_, socket(), "", echo));
  }
  EXPECT_TRUE(std::filesystem::exists(socket()));
}

TEST_F(ControlServer, AFileInItsPlaceIsLeftAlone) {
  folder_.write("admin.sock", "precious");
  EXPECT_FALSE(serve());
  EXPECT_EQ(folder_.read("admin.sock"), "precious");
}

TEST_F(ControlServer, WantsOneHost) {
  ASSERT_TRUE(serve());
  run();
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 "));
}

TEST_F(ControlServer, RefusesWhatIsTooLargeOrNoHttp) {
  ASSERT_TRUE(serve());
  run();
  EXPECT_TRUE(exchange("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(65 << 10, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_F(ControlServer, TellsTheLengthButNoBodyToHead) {
  ASSERT_TRUE(serve());
  run();
  const std::string reply = exchange("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
  EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
  EXPECT_EQ(reply.find("Content-Length: 0"), std::string::npos) << reply;
}

TEST_F(ControlServer, AServerThatHangsDoesNotHangTheClient) {
  ASSERT_TRUE(serve());  // its loop never runs: the connection is made, nobody answers
  const Result<HttpReply> reply = ask(socket(), "GET", "/", Millis(50));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::timed_out);
}

TEST_F(ControlServer, WhereNobodyListensTheErrorSaysWhatToDo) {
  const Result<HttpReply> reply = ask(socket(), "GET", "/");
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().what.find("is gatehouse running"), std::string::npos);
  EXPECT_FALSE(ask(std::string(200, 'x'), "GET", "/"));
}

TEST_F(ControlServer, OnTcpItKnowsThePeer) {
  const auto tell_peer = [](const HttpRequest& request) {
    return HttpReply{200, "text/plain", request.peer.text(), ""};
  };
  ASSERT_TRUE(keep(serve_tcp(io_, *SocketAddress::parse("127.0.0.1:0"), tell_peer, {})));
  run();
  const std::string out = said_to(connected_from("127.0.0.1"));
  EXPECT_TRUE(out.ends_with("\r\n\r\n127.0.0.1")) << out;
}

TEST_F(ControlServer, WhoIsNotAdmittedOrHasTooManyConnectionsLeavesRoomForOthers) {
  ServerLimits limits{.connections_most = 3, .peer_connections_most = 2};
  limits.admits = [](const IpAddress& peer) { return peer != IpAddress::v4(127, 0, 0, 9); };
  ASSERT_TRUE(keep(serve_tcp(io_, *SocketAddress::parse("127.0.0.1:0"), echo, limits)));
  run();
  std::vector<UniqueFd> silent;
  for (const char* from : {"127.0.0.9", "127.0.0.9", "127.0.0.9", "127.0.0.1", "127.0.0.1"})
    silent.push_back(connected_from(from));
  EXPECT_EQ(said_to(connected_from("127.0.0.9")), "");
  EXPECT_EQ(said_to(connected_from("127.0.0.1")), "");
  EXPECT_TRUE(said_to(connected_from("127.0.0.2")).starts_with("HTTP/1.0 200 "));
}

}  // namespace
}  // namespace gatehouse::cli
