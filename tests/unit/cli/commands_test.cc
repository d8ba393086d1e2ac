// The verbs against a door that answers what the test says, over a real socket.
#include "cli/commands.h"

#include <csignal>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/history.h"
#include "cli/http_server_io.h"
#include "tests/unit/net/scratch_folder.h"

namespace gatehouse::cli {
namespace {

struct Outcome {
  int code = -1;
  std::string out, err;
};

template <class Verb>
Outcome run(Verb verb) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = verb();
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(CommandsDeathTest, SignalsBeforeItServesEndNothing) {
  const auto early = [] {
    hold_early_signals();
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) ::raise(signal);
    ::_exit(0);
  };
  EXPECT_EXIT(early(), testing::ExitedWithCode(0), "");
}

class Commands : public testing::Test {
 protected:
  void SetUp() override {
    auto made = serve_unix(io_, where_.socket, "", [this](const HttpRequest& request) { return answer(request); });
    ASSERT_TRUE(made) << made.error().what;
    server_ = std::move(*made);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Commands() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void will_answer(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    reply_.status = status;
    reply_.body = std::move(body);
  }
  std::string asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  const ScratchFolder folder_;
  const Where where_{"", folder_.path("admin.sock")};

 private:
  HttpReply answer(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    asked_ = request.method + " " + request.target;
    return reply_;
  }

  asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  HttpReply reply_;
  std::string asked_;
  std::thread thread_;
};

TEST_F(Commands, ReadyFollowsTheDoor) {
  will_answer(200, "ready\n");
  EXPECT_EQ(run([&] { return run_ready(where_); }).code, 0);
  EXPECT_EQ(asked(), "GET /v1/ready");
  will_answer(503, "stopping\n");
  const Outcome outcome = run([&] { return run_ready(where_); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "stopping\n");
}

TEST_F(Commands, ReloadTellsWhatChangedOrWhyNothingDid) {
  will_answer(200, R"({"applied":true,"findings":["a warning"],"changes":["limits.memory: 1GiB -> 2GiB"]})");
  Outcome outcome = run([&] { return run_reload(where_); });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "limits.memory: 1GiB -> 2GiB\nreloaded\n");
  EXPECT_EQ(outcome.err, "a warning\n");
  EXPECT_EQ(asked(), "POST /v1/reload");

  will_answer(409, R"({"applied":false,"findings":["gatehouse.yaml:3:1: x: unknown key"],"changes":["never"]})");
  outcome = run([&] { return run_reload(where_); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "gatehouse.yaml:3:1: x: unknown key\nrefused: what runs stays as it was\n");
}

TEST_F(Commands, DrainNamesItsTargetSafely) {
  will_answer(200, "done\n");
  EXPECT_EQ(run([&] { return run_drain(where_, "web/n1/web 1?&", true); }).code, 0);
  EXPECT_EQ(asked(), "POST /v1/drain?target=web%2Fn1%2Fweb%201%3F%26");
  will_answer(404, "there is no service web\n");
  const Outcome outcome = run([&] { return run_drain(where_, "web", false); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "there is no service web\n");
  EXPECT_EQ(asked(), "POST /v1/undrain?target=web");
}

TEST_F(Commands, ExplainPassesFieldsOn) {
  will_answer(200, "why\n");
  const Outcome outcome =
      run([&] { return run_explain(where_, {"GET", "https://a/", "10.0.0.1", {"A: 1", "B: 2"}}); });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "why\n");
  EXPECT_EQ(asked(), "GET /v1/explain?method=GET&url=https%3A%2F%2Fa%2F&field=A%3A%201%0AB%3A%202&from=10.0.0.1");
}

TEST_F(Commands, StatusIsTextOrJson) {
  const std::string body = R"({"node":"fd1","version":"9","ready":true})";
  will_answer(200, body);
  EXPECT_EQ(run([&] { return run_status(where_, true, false); }).out, body);
  EXPECT_TRUE(run([&] { return run_status(where_, false, false); }).out.starts_with("gatehouse 9 on fd1  ready"));
  will_answer(200, "no json");
  EXPECT_EQ(run([&] { return run_status(where_, false, false); }).code, 1);
}

TEST_F(Commands, HistoryIsReadableAndHarmless) {
  will_answer(200, to_json_line({0, "health", "web-1: \x1b[2Jdown", ""}) +
                       to_json_line({1000, "command", "drain web", "uid 7 (pid 8)"}));
  const Outcome outcome = run([&] { return run_history(where_, "12h", false); });
  EXPECT_EQ(outcome.out,
            "1970-01-01T00:00:00.000Z  health   web-1: \\x1b[2Jdown\n"
            "1970-01-01T00:00:01.000Z  command  drain web, by uid 7 (pid 8)\n");
  EXPECT_TRUE(asked().starts_with("GET /v1/history?since="));
  EXPECT_EQ(run([&] { return run_history(where_, "yesterday", false); }).code, 2);
}

TEST_F(Commands, LogsAreReadWhereTheDoorSays) {
  const std::string file = folder_.write("access.log", "{\"status\":200}\n{\"status\":502}\n");
  will_answer(200, "{\"access\":\"" + file + "\"}");
  const Outcome outcome = run([&] { return run_logs(where_, {false, "", "5xx", ""}); });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "{\"status\":502}\n");
  EXPECT_EQ(run([&] { return run_logs(where_, {false, "", "9xx", ""}); }).code, 2);
  for (const char* place : {"stdout", "off"}) {
    will_answer(200, std::string("{\"access\":\"") + place + "\"}");
    EXPECT_EQ(run([&] { return run_logs(where_, {}); }).code, 1) << place;
  }
}

TEST_F(Commands, WhereNobodyAnswersEveryVerbFails) {
  const Where nowhere{"", folder_.path("nobody.sock")};
  EXPECT_EQ(run([&] { return run_ready(nowhere); }).code, 1);
  EXPECT_EQ(run([&] { return run_reload(nowhere); }).code, 1);
  EXPECT_EQ(run([&] { return run_status(nowhere, false, false); }).code, 1);
  EXPECT_EQ(run([&] { return run_logs(nowhere, {}); }).code, 1);
}

TEST_F(Commands, TheSocketIsFoundByOptionThenFileThenEnvironment) {
  const std::string file = folder_.write("gatehouse.yaml", "admin: { socket: by-file.sock }\n");
  const std::string bad = folder_.write("bad.yaml", "limits: { memry: x }\nadmin: { socket: by-bad.sock }\n");
  EXPECT_EQ(*socket_of({file, "by-option.sock"}), "by-option.sock");
  EXPECT_EQ(*socket_of({file, ""}), folder_.path("by-file.sock"));
  EXPECT_EQ(*socket_of({bad, ""}), folder_.path("by-bad.sock"));
  EXPECT_FALSE(socket_of({folder_.path("nowhere.yaml"), ""}));
  ::setenv("GATEHOUSE_SOCKET", "by-environment.sock", 1);
  EXPECT_EQ(*socket_of({"", ""}), "by-environment.sock");
  EXPECT_EQ(*socket_of({file, ""}), folder_.path("by-file.sock"));
  ::unsetenv("GATEHOUSE_SOCKET");
}

}  // namespace
}  // namespace gatehouse::cli
