#include "acme/dns_challenges_io.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "acme/dns_look_io.h"
#include "acme/json_look.h"
#include "net/aside.h"
#include "net/atomic_file.h"
#include "net/read_file.h"

namespace gatehouse::acme {
namespace {

constexpr std::size_t journal_most = 1 << 20;

using Stop = std::atomic<bool>;

DnsChange change_of(const json::object& entry) {
  return {false, text_at(entry, "domain"), text_at(entry, "name"), text_at(entry, "value")};
}

json::object entry_of(const std::string& order, const DnsChange& change) {
  return {{"order", order}, {"domain", change.domain}, {"name", change.name}, {"value", change.value}};
}

}  // namespace

// What stands in the DNS because of us. Any thread.
struct DnsChallenges::Journal {
  explicit Journal(std::string path) : file(std::move(path)) {
    const Result<FileContent> content = read_file(file, journal_most);
    if (!content) return;
    const json::object kept = read_object(content->bytes);
    for (const json::value& each : list_at(kept, "written"))
      if (each.is_object()) written.emplace(text_at(each.get_object(), "order"), change_of(each.get_object()));
  }

  Status note(const std::string& order, const DnsChange& change) {
    const std::lock_guard lock(mutex);
    written.emplace(order, change);
    return save();
  }
  void forget(const std::string& order, const DnsChange& change) {
    const std::lock_guard lock(mutex);
    const auto [begin, end] = written.equal_range(order);
    const auto found = std::find_if(begin, end, [&](const auto& each) {
      return each.second.name == change.name && each.second.value == change.value;
    });
    if (found != end) written.erase(found);
    [[maybe_unused]] const Status saved = save();  // at worst it is taken back twice
  }
  std::vector<DnsChange> of(const std::string& order) {
    const std::lock_guard lock(mutex);
    std::vector<DnsChange> out;
    for (auto [at, end] = written.equal_range(order); at != end; ++at) out.push_back(at->second);
    return out;
  }
  std::set<std::string> orders() {
    const std::lock_guard lock(mutex);
    std::set<std::string> out;
    for (const auto& [order, change] : written) out.insert(order);
    return out;
  }

 private:
  Status save() {
    json::array list;
    for (const auto& [order, change] : written) list.push_back(entry_of(order, change));
    return write_file_atomically(file, json::serialize(json::object{{"written", std::move(list)}}), 0600);
  }
  const std::string file;
  std::mutex mutex;
  std::multimap<std::string, DnsChange> written;  // by order
};

// What is done for one order is done one after the other, as it was asked for. Joined by control, waited for by
// threads.
class DnsChallenges::Queue {
 public:
  std::uint64_t join() {
    const std::lock_guard lock(mutex_);
    return last_++;
  }
  void give_back() {  // the place that was joined last, by nobody who waits
    const std::lock_guard lock(mutex_);
    --last_;
  }
  void wait(std::uint64_t place) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return now_ == place; });
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    ++now_;
    moved_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t last_ = 0, now_ = 0;
};

namespace {

// Where the proof has to stand, and who writes there.
Result<DnsChange> place_of(const DnsProof& proof, const conf::Acme& acme, const Stop& stop) {
  const std::string name = "_acme-challenge." + proof.domain;
  const Result<std::string> real = real_name(name, acme.resolver, DnsChallenges::aliases_most, stop);
  if (!real) return Error{real.error().code, "the DNS can't say where " + name + " stands: " + real.error().what};
  if (!is_plain_name(*real)) return invalid(name + " is an alias of a name with letters that none of ours has");
  if (zone_of(acme.dns, *real) == nullptr)
    return invalid(*real == name
                       ? name + ": no zone of certificates.acme.dns holds it"
                       : name + " is an alias of " + *real + ", which no zone of certificates.acme.dns holds");
  return DnsChange{true, proof.domain, *real, proof.value};
}

template <class Journal>
std::string write_all(const std::string& order, const std::vector<DnsProof>& proofs, const conf::Acme& acme,
                      Journal& journal, const Stop& stop) {
  std::vector<DnsChange> changes;
  for (const DnsProof& proof : proofs) {
    const Result<DnsChange> change = place_of(proof, acme, stop);
    if (!change) return change.error().what;
    if (const Status noted = journal.note(order, *change); !noted) return noted.error().what;
    const Status written = change_text(*zone_of(acme.dns, change->name), *change, stop);
    if (!written) return change->name + " can't be written: " + written.error().what;
    changes.push_back(*change);
  }
  for (const DnsChange& change : changes)
    if (const Status seen = await_text(change.name, change.value, acme.resolver, acme.propagation, stop); !seen)
      return seen.error().what;
  return {};
}

template <class Journal>
void take_all_back(const std::string& order, const conf::Acme& acme, Journal& journal, const Stop& stop) {
  for (DnsChange& change : journal.of(order)) {
    change.present = false;
    const conf::DnsZone* zone = zone_of(acme.dns, change.name);
    // What can't be taken back now stays in the journal, for the next start; a zone that is ours no more is others'.
    if (zone == nullptr || change_text(*zone, change, stop)) journal.forget(order, change);
  }
}

}  // namespace

DnsChallenges::DnsChallenges(asio::io_context& io, std::string journal)
    : io_(io), journal_(std::make_shared<Journal>(std::move(journal))) {}

DnsChallenges::~DnsChallenges() {
  *alive_ = false;
  stop_->store(true);
  for (auto& [order, stop] : orders_) stop->store(true);
}

void DnsChallenges::configure(const conf::Acme& acme) {
  const bool first = !acme_;
  acme_ = std::make_shared<const conf::Acme>(acme);
  if (acme.dns.empty()) return acme_.reset();
  if (first)
    for (const std::string& order : journal_->orders()) take_down(order);
}

bool DnsChallenges::can_prove(const std::string& domain) const {
  return acme_ && zone_of(acme_->dns, domain) != nullptr;
}

Status DnsChallenges::run_aside(const std::string& order, std::function<void()> work) {
  std::erase_if(running_, [](auto& each) { return each.wait_for(Seconds(0)) == std::future_status::ready; });
  std::erase_if(queues_, [](const auto& each) { return each.second.use_count() == 1; });  // nobody stands in it
  auto& queue = queues_[order];
  if (!queue) queue = std::make_shared<Queue>();
  const std::uint64_t place = queue->join();
  auto started = start_aside("dns-01", [work = std::move(work), queue, place]() -> Status {
    queue->wait(place);
    work();
    queue->leave();
    return gatehouse::Done{};
  });
  if (!started) return queue->give_back(), started.error();
  running_.push_back(std::move(*started));
  return gatehouse::Done{};
}

void DnsChallenges::put_up(const std::string& order, std::vector<DnsProof> proofs, Done done) {
  if (!acme_) return asio::post(io_, [done] { done("no zone of certificates.acme.dns can be written"); });
  const auto stop = orders_[order] = std::make_shared<Stop>(false);
  const auto tell = [&io = io_, alive = alive_, done](const std::string& trouble) {
    asio::post(io, [alive, done, trouble] {
      if (*alive) done(trouble);
    });
  };
  const Status started = run_aside(order, [tell, acme = acme_, journal = journal_, stop, order, proofs] {
    tell(write_all(order, proofs, *acme, *journal, *stop));
  });
  if (!started) tell(started.error().what);
}

void DnsChallenges::take_down(const std::string& order) {
  const auto found = orders_.find(order);
  const bool was_up = found != orders_.end();
  if (was_up) {
    found->second->store(true);
    orders_.erase(found);
  }
  if (!acme_ || (!was_up && journal_->of(order).empty())) return;
  [[maybe_unused]] const Status started =  // else it stays in the journal
      run_aside(order, [acme = acme_, journal = journal_, stop = stop_, order] {
        take_all_back(order, *acme, *journal, *stop);
      });
}

}  // namespace gatehouse::acme
