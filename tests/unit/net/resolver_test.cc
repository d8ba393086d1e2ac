#include "net/resolver.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

const TimePoint start{1000s};
std::vector<IpAddress> addresses(std::initializer_list<const char*> texts) {
  std::vector<IpAddress> out;
  for (const char* text : texts) out.push_back(*IpAddress::parse(text));
  return out;
}

class NameTableTest : public ::testing::Test {
 protected:
  NameTableTest() { table_.want({"a.test"}, start); }
  bool answered(std::initializer_list<const char*> texts, Seconds ttl, TimePoint now) {
    EXPECT_EQ(table_.take_due(now, 9), std::vector<std::string>{"a.test"});
    return table_.answer("a.test", addresses(texts), ttl, now);
  }
  bool failed(TimePoint now) {
    EXPECT_EQ(table_.take_due(now, 9), std::vector<std::string>{"a.test"});
    return table_.failure("a.test", "silence", now);
  }
  ResolvedName known() { return table_.snapshot().at("a.test"); }
  NameTable table_;
};

TEST_F(NameTableTest, AsksAtOnceAndOnceAtATime) {
  EXPECT_EQ(table_.next_due(), start);
  EXPECT_EQ(table_.take_due(start, 9), std::vector<std::string>{"a.test"});
  EXPECT_TRUE(table_.take_due(start + 1h, 9).empty());
  EXPECT_EQ(table_.next_due(), std::nullopt);
  EXPECT_TRUE(table_.snapshot().empty());
}

TEST_F(NameTableTest, AsksNoMoreThanItMay) {
  table_.want({"a", "b", "c"}, start);
  EXPECT_EQ(table_.take_due(start, 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table_.take_due(start, 2), (std::vector<std::string>{"c"}));
}

TEST_F(NameTableTest, KeepsTheTtlWithinItsBounds) {
  TimePoint now = start;
  for (const auto& [ttl, wait] : {std::pair{0s, 1s}, {1s, 1s}, {30s, 30s}, {60s, 60s}, {61s, 60s}, {-5s, 1s}}) {
    answered({"192.0.2.1"}, ttl, now);
    EXPECT_EQ(table_.next_due(), now + wait);
    EXPECT_TRUE(table_.take_due(now + wait - 1ms, 9).empty());
    now += wait;
  }
}

TEST_F(NameTableTest, AChangeIsASetOfOtherAddressesNotAnotherOrder) {
  EXPECT_TRUE(answered({"192.0.2.2", "192.0.2.1", "2001:db8::1"}, 1s, start));
  EXPECT_FALSE(answered({"2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.1"}, 1s, start + 1s));
  EXPECT_TRUE(answered({"192.0.2.1"}, 1s, start + 2s));
  EXPECT_EQ(known().addresses, addresses({"192.0.2.1"}));
}

TEST_F(NameTableTest, TakesNoMoreAddressesThanItsLimit) {
  std::vector<IpAddress> many;
  for (int i = 0; i <= static_cast<int>(NameTable::addresses_max); ++i) many.push_back(IpAddress::v4(10, 0, 0, i));
  table_.take_due(start, 9);
  table_.answer("a.test", many, 1s, start);
  EXPECT_EQ(known().addresses.size(), NameTable::addresses_max);
}

TEST_F(NameTableTest, KeepsTheLastGoodForTenMinutesAfterItWasConfirmed) {
  answered({"192.0.2.1"}, 60s, start);
  EXPECT_TRUE(failed(start + 60s)) << "the error is told";
  EXPECT_EQ(known(), (ResolvedName{addresses({"192.0.2.1"}), "silence"}));
  EXPECT_FALSE(failed(start + 599s));
  EXPECT_TRUE(failed(start + 600s + 30s));
  EXPECT_EQ(known(), (ResolvedName{{}, "silence"}));
  EXPECT_TRUE(answered({"192.0.2.1"}, 60s, start + 1h));
  EXPECT_EQ(known(), (ResolvedName{addresses({"192.0.2.1"}), ""}));
}

TEST_F(NameTableTest, AnEmptyAnswerIsAFailure) {
  answered({"192.0.2.1"}, 1s, start);
  answered({}, 1s, start + 1s);
  EXPECT_EQ(known(), (ResolvedName{addresses({"192.0.2.1"}), "no address"}));
}

TEST_F(NameTableTest, TriesAgainInGrowingSteps) {
  TimePoint now = start;
  for (const Seconds wait : {1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s, 30s, 30s, 30s}) {
    failed(now);
    EXPECT_EQ(table_.next_due(), now + wait);
    now += wait;
  }
  answered({"192.0.2.1"}, 5s, now);
  failed(now + 5s);
  EXPECT_EQ(table_.next_due(), now + 6s);
}

TEST_F(NameTableTest, ForgetsWhatIsNoLongerWanted) {
  table_.take_due(start, 9);
  table_.want({"b.test"}, start);
  EXPECT_FALSE(table_.answer("a.test", addresses({"192.0.2.1"}), 1s, start)) << "a late answer";
  EXPECT_TRUE(table_.snapshot().empty());
  EXPECT_EQ(table_.take_due(start, 9), std::vector<std::string>{"b.test"});
}

// A name server for one zone of A records: "NAME" → addresses; a name that is not there does not exist.
class StubNameServer {
 public:
  StubNameServer() {
    fd_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage here;
    const socklen_t size = SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}.to(here);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&here), size) != 0) throw std::runtime_error("bind");
    thread_ = std::thread([this] { serve(); });
  }
  ~StubNameServer() {
    stopping_ = true;
    thread_.join();
  }
  void set(const std::string& name, std::vector<std::array<unsigned char, 4>> records) {
    const std::lock_guard lock(mutex_);
    zone_[name] = std::move(records);
  }
  void be_silent() { silent_ = true; }
  std::string address() const {
    sockaddr_storage here{};
    socklen_t size = sizeof here;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&here), &size);
    return SocketAddress::from(reinterpret_cast<sockaddr*>(&here)).text();
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd readable{fd_.get(), POLLIN, 0};
      if (::poll(&readable, 1, 10) != 1) continue;
      char query[512];
      sockaddr_storage from;
      socklen_t from_size = sizeof from;
      const ssize_t size =
          ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
      if (size < 17 || silent_) continue;
      const std::string reply = answer(std::string(query, size));
      ::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
    }
  }
  std::string answer(const std::string& query) {
    std::string name;
    std::size_t at = 12;
    for (; query.at(at) != 0; at += query[at] + 1)
      name += (name.empty() ? "" : ".") + query.substr(at + 1, query[at]);
    const std::string question = query.substr(12, at + 5 - 12);
    const bool wants_a = query.at(at + 2) == 1;
    const std::lock_guard lock(mutex_);
    const auto it = zone_.find(name);
    const auto count = static_cast<char>(it != zone_.end() && wants_a ? it->second.size() : 0);
    using namespace std::string_literals;
    std::string reply = query.substr(0, 2) + "\x81"s + (it == zone_.end() ? "\x83"s : "\x80"s) + "\0\1\0"s + count +
                        "\0\0\0\0"s + question;
    if (count)
      for (const auto& record : it->second)
        reply += "\xc0\x0c\0\1\0\1\0\0\0\1\0\4"s + std::string(record.begin(), record.end());  // TTL 1
    return reply;
  }

  UniqueFd fd_;
  std::atomic<bool> stopping_{false}, silent_{false};
  std::mutex mutex_;
  std::map<std::string, std::vector<std::array<unsigned char, 4>>> zone_;
  std::thread thread_;
};

class ResolverTest : public ::testing::Test {
 protected:
  std::unique_ptr<Resolver> resolver(Resolver::Options options) {
    Result<std::unique_ptr<Resolver>> made = Resolver::make(
        options, [](const std::function<void()>& task) { task(); },
        [this] {
          const std::lock_guard lock(mutex_);
          ++changes_;
          changed_.notify_all();
        });
    if (!made) throw std::runtime_error(made.error().what);
    return std::move(*made);
  }
  // Waits for a condition, at most half a minute: only a defect lets it pass.
  template <class Condition>
  bool wait_until(const Resolver& of, Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return condition(*of.snapshot()); });
  }
  static bool has(const ResolvedNames& names, const std::string& name, const std::vector<IpAddress>& expected) {
    const auto it = names.find(name);
    return it != names.end() && it->second.addresses == expected;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;
};

TEST_F(ResolverTest, KnowsTheHostsFile) {
  const auto names = resolver({});
  names->resolve({"localhost"});
  ASSERT_TRUE(wait_until(*names, [](const auto& known) { return known.count("localhost"); }));
  const auto found = names->snapshot()->at("localhost").addresses;
  EXPECT_TRUE(std::all_of(found.begin(), found.end(), [](const auto& address) { return address.is_loopback(); }));
  EXPECT_FALSE(found.empty());
}

TEST_F(ResolverTest, AsksItsServersAndSeesChanges) {
  StubNameServer server;
  server.set("a.test", {{192, 0, 2, 2}, {192, 0, 2, 1}});
  server.set("b.test", {{192, 0, 2, 3}});
  const auto names = resolver({.servers = server.address()});
  names->resolve({"a.test", "b.test"});
  EXPECT_TRUE(wait_until(*names, [](const auto& known) {
    return has(known, "a.test", addresses({"192.0.2.1", "192.0.2.2"})) &&
           has(known, "b.test", addresses({"192.0.2.3"}));
  }));
  server.set("a.test", {{192, 0, 2, 9}});
  EXPECT_TRUE(wait_until(*names, [](const auto& known) { return has(known, "a.test", addresses({"192.0.2.9"})); }));
  names->resolve({"b.test"});
  EXPECT_TRUE(wait_until(*names, [](const auto& known) { return !known.count("a.test"); }));
  EXPECT_TRUE(has(*names->snapshot(), "b.test", addresses({"192.0.2.3"})));
}

TEST_F(ResolverTest, TellsThatANameDoesNotExist) {
  StubNameServer server;
  const auto names = resolver({.servers = server.address()});
  names->resolve({"none.test"});
  ASSERT_TRUE(wait_until(*names, [](const auto& known) { return known.count("none.test"); }));
  EXPECT_TRUE(names->snapshot()->at("none.test").addresses.empty());
  EXPECT_NE(names->snapshot()->at("none.test").error, "");
}

TEST_F(ResolverTest, ASilentServerTakesNothingAway) {
  StubNameServer server;
  server.set("a.test", {{192, 0, 2, 1}});
  const auto names = resolver({.servers = server.address(), .timeout = 50ms, .tries = 1});
  names->resolve({"a.test"});
  ASSERT_TRUE(wait_until(*names, [](const auto& known) { return has(known, "a.test", addresses({"192.0.2.1"})); }));
  server.be_silent();
  ASSERT_TRUE(wait_until(*names, [](const auto& known) { return known.at("a.test").error != ""; }));
  EXPECT_TRUE(has(*names->snapshot(), "a.test", addresses({"192.0.2.1"})));
}

TEST_F(ResolverTest, EndsInTheMiddleOfAQuestion) {
  StubNameServer server;
  server.be_silent();
  const auto names = resolver({.servers = server.address()});
  names->resolve({"a.test", "b.test"});
}

}  // namespace
}  // namespace gatehouse
