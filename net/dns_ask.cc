#include "net/dns_ask.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <mutex>

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>

namespace gatehouse {
namespace {

constexpr int try_ms = 2000, tries = 3, look_ms = 200;

struct FreesChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using ChannelPtr = std::unique_ptr<ares_channeldata, FreesChannel>;

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<unsigned char> bytes;
};

ChannelPtr open_channel(const std::string& servers, bool recursive) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options options{};
  options.timeout = try_ms;
  options.tries = tries;
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (recursive ? 0 : ARES_FLAG_NORECURSE);
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS;
#ifdef ARES_OPT_QUERY_CACHE
  mask |= ARES_OPT_QUERY_CACHE;
  options.qcache_max_ttl = 0;
#endif
  ares_channel channel = nullptr;
  if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) return nullptr;
  ChannelPtr out(channel);
  if (!servers.empty() && ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS) return nullptr;
  return out;
}

void wait_once(ares_channel channel) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  const int wants = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
  std::vector<pollfd> polled;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const short events = static_cast<short>((ARES_GETSOCK_READABLE(wants, i) ? POLLIN : 0) |
                                            (ARES_GETSOCK_WRITABLE(wants, i) ? POLLOUT : 0));
    if (events != 0) polled.push_back({sockets[i], events, 0});
  }
  ::poll(polled.data(), polled.size(), look_ms);
  for (const pollfd& each : polled)
    ares_process_fd(channel, (each.revents & ~POLLOUT) != 0 ? each.fd : ARES_SOCKET_BAD,
                    (each.revents & POLLOUT) != 0 ? each.fd : ARES_SOCKET_BAD);
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what is late
}

std::string text_of(const ns_rr& record) {
  const unsigned char* data = ns_rr_rdata(record);
  std::string out;
  for (std::size_t at = 0, end = ns_rr_rdlen(record); at < end;) {
    const std::size_t size = std::min<std::size_t>(data[at], end - at - 1);
    out.append(reinterpret_cast<const char*>(data) + at + 1, size);
    at += 1 + size;
  }
  return out;
}

std::string name_in(const ns_msg& message, const ns_rr& record) {
  char name[NS_MAXDNAME];
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record), name, sizeof name) < 0)
    return {};
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

Result<std::vector<DnsAsk::Record>> DnsAsk::ask(const std::string& name, int type) const {
  const auto failed = [&](int status) {
    const bool none = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    return Error{none ? Errc::unavailable : Errc::io, name + ": " + ares_strerror(status)};
  };
  Answer answer;  // outlives the channel, which ends what is under way
  const ChannelPtr channel = open_channel(servers_, recursive_);
  if (!channel) return Error{Errc::io, "the DNS can't be asked here"};
  ares_query(
      channel.get(), name.c_str(), ns_c_in, type,
      [](void* into, int status, int, unsigned char* bytes, int size) {
        auto& got = *static_cast<Answer*>(into);
        got.done = true;
        got.status = status;
        if (bytes != nullptr) got.bytes.assign(bytes, bytes + size);
      },
      &answer);
  while (!answer.done) {
    if (stop_.load(std::memory_order_relaxed)) return Error{Errc::timed_out, name + ": broken off"};
    wait_once(channel.get());
  }
  if (answer.status != ARES_SUCCESS) return failed(answer.status);
  ns_msg message;
  if (ns_initparse(answer.bytes.data(), static_cast<int>(answer.bytes.size()), &message) < 0)
    return failed(ARES_EBADRESP);
  std::vector<Record> out;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) < 0) return failed(ARES_EBADRESP);
    if (ns_rr_type(record) != type) continue;
    Record& one = out.emplace_back();
    const unsigned char* data = ns_rr_rdata(record);
    if (type == ns_t_txt) one.text = text_of(record);
    if (type == ns_t_ns || type == ns_t_cname || type == ns_t_ptr) one.text = name_in(message, record);
    if (type == ns_t_a && ns_rr_rdlen(record) == 4) one.address = IpAddress::v4(data[0], data[1], data[2], data[3]);
    if (type == ns_t_aaaa && ns_rr_rdlen(record) == 16) std::copy_n(data, 16, one.address.bytes.begin());
  }
  if (out.empty()) return failed(ARES_ENODATA);
  return out;
}

Result<std::vector<std::string>> DnsAsk::texts_of(const std::string& name, int type) const {
  const auto records = ask(name, type);
  if (!records) return records.error();
  std::vector<std::string> out;
  for (const Record& each : *records) out.push_back(each.text);
  return out;
}

Result<std::vector<std::string>> DnsAsk::texts(const std::string& name) const { return texts_of(name, ns_t_txt); }

Result<std::vector<std::string>> DnsAsk::name_servers(const std::string& zone) const {
  return texts_of(zone, ns_t_ns);
}

Result<std::string> DnsAsk::alias(const std::string& name) const {
  const auto names = texts_of(name, ns_t_cname);
  if (!names) return names.error();
  return names->front();
}

Result<std::vector<std::string>> DnsAsk::names(const IpAddress& address) const {
  std::string reversed;
  if (address.is_v4()) {
    for (std::size_t i = 16; i-- > 12;) reversed += std::to_string(address.bytes[i]) + ".";
    return texts_of(reversed + "in-addr.arpa", ns_t_ptr);
  }
  constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 16; i-- > 0;)
    for (const unsigned shift : {0u, 4u}) reversed += {digits[address.bytes[i] >> shift & 15u], '.'};
  return texts_of(reversed + "ip6.arpa", ns_t_ptr);
}

// Those that can be had: a server without IPv6 is no failure.
Result<std::vector<IpAddress>> DnsAsk::addresses(const std::string& name) const {
  std::vector<IpAddress> out;
  Error why;
  for (const int type : {ns_t_a, ns_t_aaaa}) {
    const auto records = ask(name, type);
    if (!records) {
      why = records.error();
      continue;
    }
    for (const Record& each : *records) out.push_back(each.address);
  }
  if (out.empty()) return why;
  return out;
}

}  // namespace gatehouse
