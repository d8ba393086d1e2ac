#include "net/resolver.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <ares.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace gatehouse {
namespace {

constexpr const char* system_file = "/etc/resolv.conf";

struct FreesChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
struct FreesAnswer {
  void operator()(ares_addrinfo* answer) const { ares_freeaddrinfo(answer); }
};
using ChannelPtr = std::unique_ptr<ares_channeldata, FreesChannel>;
using AnswerPtr = std::unique_ptr<ares_addrinfo, FreesAnswer>;

std::int64_t changed_at(const char* path) {
  struct stat info;
  if (::stat(path, &info) != 0) return 0;
  return info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

// The thread's own state, but for what is under the lock.
class Resolver::Engine {
 public:
  Engine(Options options, Post post, std::function<void()> on_change)
      : options_(std::move(options)), post_(std::move(post)), on_change_(std::move(on_change)) {
    static std::once_flag once;
    std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  }

  bool start() {
    if (!wake_ || !open_channel()) return false;
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "resolver");
    return true;
  }

  ~Engine() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
  }

  void resolve(std::set<std::string> names) {
    {
      const std::lock_guard lock(mutex_);
      wanted_ = std::move(names);
    }
    wake();
  }

  std::shared_ptr<const ResolvedNames> snapshot() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }

 private:
  struct Query {
    Engine* engine;
    std::string name;
  };

  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);  // full: it is awake anyway
  }

  bool open_channel() {
    ares_options options{};
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    options.timeout = static_cast<int>(options_.timeout.count());
    options.tries = options_.tries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      auto& events = static_cast<Engine*>(self)->events_;
      if (readable || writable)
        events[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
      else
        events.erase(fd);
    };
    options.sock_state_cb_data = this;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE;
    options.qcache_max_ttl = 0;  // when to ask again is the table's to say
#endif
    ares_channel channel = nullptr;
    system_changed_at_ = changed_at(system_file);
    if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) return false;
    ChannelPtr fresh(channel);
    if (!options_.servers.empty() && ares_set_servers_ports_csv(channel, options_.servers.c_str()) != ARES_SUCCESS)
      return false;
    channel_ = std::move(fresh);
    return true;
  }

  void run() {
    while (take_wishes()) {
      if (asking_ == 0 && changed_at(system_file) != system_changed_at_) open_channel();  // failed: the old one stays
      for (const std::string& name : table_.take_due(Clock::now(), queries_max - asking_)) ask(name);
      if (std::exchange(changed_, false)) publish();
      wait();
    }
  }

  bool take_wishes() {
    std::optional<std::set<std::string>> wanted;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      wanted = std::exchange(wanted_, std::nullopt);
    }
    if (wanted) table_.want(*wanted, Clock::now());
    changed_ |= wanted.has_value();
    return true;
  }

  void ask(const std::string& name) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ++asking_;
    ares_getaddrinfo(channel_.get(), name.c_str(), nullptr, &hints, on_answer, new Query{this, name});
  }

  // May be called from within ares_getaddrinfo, and from within ares_destroy.
  static void on_answer(void* argument, int status, int, ares_addrinfo* raw) {
    const std::unique_ptr<Query> query(static_cast<Query*>(argument));
    const AnswerPtr answer(raw);
    Engine& engine = *query->engine;
    --engine.asking_;
    if (status == ARES_EDESTRUCTION) return;
    if (status != ARES_SUCCESS) {
      engine.changed_ |= engine.table_.failure(query->name, ares_strerror(status), Clock::now());
      return;
    }
    std::vector<IpAddress> addresses;
    int ttl = static_cast<int>(NameTable::ttl_max.count());
    for (const ares_addrinfo_cname* alias = answer->cnames; alias; alias = alias->next)
      ttl = std::min(ttl, alias->ttl);
    for (const ares_addrinfo_node* node = answer->nodes; node; node = node->ai_next) {
      addresses.push_back(SocketAddress::from(node->ai_addr).ip);
      ttl = std::min(ttl, node->ai_ttl);
    }
    engine.changed_ |= engine.table_.answer(query->name, std::move(addresses), Seconds(ttl), Clock::now());
  }

  void publish() {
    auto fresh = std::make_shared<const ResolvedNames>(table_.snapshot());
    {
      const std::lock_guard lock(mutex_);
      if (*fresh == *snapshot_) return;
      snapshot_ = std::move(fresh);
    }
    post_(on_change_);
  }

  Millis patience() const {
    Millis out = 1h;
    if (asking_ < queries_max)
      if (const auto due = table_.next_due()) out = std::chrono::ceil<Millis>(*due - Clock::now());
    timeval left;
    if (ares_timeout(channel_.get(), nullptr, &left))
      out = std::min(out, Millis(left.tv_sec * 1000 + left.tv_usec / 1000 + 1));
    return std::clamp(out, Millis(0), Millis(1h));
  }

  void wait() {
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
    for (const auto& [fd, events] : events_) fds.push_back({fd, events, 0});
    ::poll(fds.data(), fds.size(), static_cast<int>(patience().count()));
    if (fds[0].revents) {
      std::uint64_t count;
      [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
    }
    bool any = false;
    for (std::size_t i = 1; i < fds.size(); ++i) {
      const short happened = fds[i].revents;
      if (!happened) continue;
      any = true;
      const bool broken = happened & (POLLERR | POLLHUP | POLLNVAL);
      ares_process_fd(channel_.get(), happened & POLLIN || broken ? fds[i].fd : ARES_SOCKET_BAD,
                      happened & POLLOUT || broken ? fds[i].fd : ARES_SOCKET_BAD);
    }
    if (!any) ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
  }

  const Options options_;
  const Post post_;
  const std::function<void()> on_change_;
  UniqueFd wake_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

  NameTable table_;
  std::map<ares_socket_t, short> events_;  // what c-ares waits for
  std::size_t asking_ = 0;
  bool changed_ = false;  // the table, since the last publish
  std::int64_t system_changed_at_ = 0;
  ChannelPtr channel_;  // after all that its callbacks touch

  mutable std::mutex mutex_;  // for what follows
  std::optional<std::set<std::string>> wanted_;
  bool stopping_ = false;
  std::shared_ptr<const ResolvedNames> snapshot_ = std::make_shared<const ResolvedNames>();

  std::thread thread_;
};

Result<std::unique_ptr<Resolver>> Resolver::make(Options options, Post post, std::function<void()> on_change) {
  auto engine = std::make_unique<Engine>(std::move(options), std::move(post), std::move(on_change));
  if (!engine->start()) return Error{Errc::io, "names cannot be resolved: c-ares does not start"};
  return std::unique_ptr<Resolver>(new Resolver(std::move(engine)));
}

Resolver::Resolver(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Resolver::~Resolver() = default;
void Resolver::resolve(std::set<std::string> names) { engine_->resolve(std::move(names)); }
std::shared_ptr<const ResolvedNames> Resolver::snapshot() const { return engine_->snapshot(); }

}  // namespace gatehouse
