#include "conf/catalog/hold_down.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gatehouse::catalog {
namespace {

// What may leave within the window: of a service one, or a fifth; of all instances one, or a seventh.
constexpr std::size_t service_part = 5, all_part = 7;

bool failed(const conf::Instance& instance) {
  return instance.maintenance || (instance.catalog_health == conf::CatalogHealth::critical && !instance.node_lost);
}

using Key = InstanceKey;

std::set<Key> keys(const std::vector<conf::Instance>& instances) {
  std::set<Key> out;
  for (const conf::Instance& instance : instances) out.insert({instance.node, instance.id});
  return out;
}

// It is gone, and nothing had spoken against it before.
bool leaves(const conf::Instance& instance, const std::set<Key>& present) {
  return !present.contains({instance.node, instance.id}) && !failed(instance) && instance.held.empty();
}

}  // namespace

conf::HealthCheck connect_check() {
  conf::HealthCheck check;
  check.id = "gatehouse:held";
  check.name = "held: can it be connected to?";
  check.kind = conf::HealthCheck::Kind::tcp;
  check.interval = 1s;
  check.timeout = 1s;
  check.rise = 1;
  check.fall = 2;
  check.initial = "passing";
  return check;
}

void HoldDown::remember(const conf::Instance& instance, TimePoint now) {
  Service& service = services_[instance.service];
  if (instance.departed) {
    service.departed = instance;
    service.departed->awaited = true;
    return;
  }
  const Known known{instance, instance.held.empty() ? TimePoint{} : now, true};
  count_ += service.known.insert_or_assign({instance.node, instance.id}, known).second;
}

std::vector<HoldDown::Key> HoldDown::Service::leaving(const std::set<Key>& present) const {
  std::vector<Key> out;
  for (const auto& [key, each] : known)
    if (leaves(each.instance, present)) out.push_back(key);
  return out;
}

std::vector<conf::Instance> HoldDown::update(const std::string& name, const std::vector<conf::Instance>& said,
                                             bool trusted, bool single, TimePoint now) {
  Service& service = services_[name];
  service.left.forget_before(now - window);
  left_.forget_before(now - window);
  const std::set<Key> present = keys(said);
  const bool replaced = std::any_of(said.begin(), said.end(), [](const auto& instance) { return !failed(instance); });
  const bool may_hold = single ? !trusted && !replaced : true;
  doubted_ -= service.doubted.size();
  for (const Key& key : std::exchange(service.doubted, {})) left_.take_back({name, key});
  for (const Key& key : present) service.left.note_back(key), left_.note_back({name, key});
  const std::vector<Key> leaving = service.leaving(present);
  std::size_t lost = service.left.count(), lost_of_all = left_.count();
  const std::size_t of_service = service.known.size() + lost;
  const std::size_t of_all = count_ + lost_of_all - std::min(doubted_, lost_of_all);
  for (const Key& key : leaving) {
    lost += service.left.would_count(key);
    lost_of_all += left_.would_count({name, key});
  }
  const bool few = lost <= std::max<std::size_t>(1, of_service / service_part);
  const bool few_of_all = lost_of_all <= std::max<std::size_t>(1, of_all / all_part);
  std::string reason;
  if (!trusted)
    reason = "the catalog lost it while it could not be trusted";
  else if (!few)
    reason = "the catalog lost " + std::to_string(leaving.size()) + " of " + std::to_string(service.known.size()) +
             " at once";
  else if (!few_of_all)
    reason = "the catalog lost " + std::to_string(lost_of_all) + " instances of all services at once";
  for (auto next = service.known.begin(); next != service.known.end();) {
    const auto each = next++;
    Known& known = each->second;
    if (present.contains(each->first)) continue;
    const bool is_held = !known.instance.held.empty();
    if (is_held && !(single && replaced)) continue;
    const bool counts = !is_held && !failed(known.instance);
    if (counts) left_.note({name, each->first}, now);
    if (counts && (known.remembered || !reason.empty()) && may_hold) {
      known.instance.held = reason.empty() ? "known from before, and the catalog lacks it" : reason;
      known.held_since = now;
      if (known.instance.checks.empty()) known.instance.checks.push_back(connect_check());
      continue;
    }
    if (counts) service.left.note(each->first, now);
    remove(service, each);
  }
  for (const conf::Instance& instance : said) {
    const auto [known, fresh] =
        service.known.insert_or_assign({instance.node, instance.id}, Known{instance, {}, false});
    count_ += fresh;
  }
  if (!service.known.empty()) service.departed.reset(), service.departed_at.reset();
  return instances(name);
}

void HoldDown::remove(Service& service, std::map<Key, Known>::iterator which) {
  if (service.known.size() == 1) {
    service.departed = std::move(which->second.instance);
    service.departed->departed = service.departed->awaited = true;
    service.awaited_since.reset();
    service.departed->held.clear();
  }
  service.known.erase(which);
  --count_;
}

void HoldDown::recall(const std::string& name, std::vector<conf::Instance>& said,
                      const std::set<InstanceKey>& unproven) const {
  const auto service = services_.find(name);
  if (service == services_.end()) return;
  for (conf::Instance& instance : said) {
    const Key key{instance.node, instance.id};
    const auto known = service->second.known.find(key);
    if (unproven.contains(key) && known != service->second.known.end())
      instance.catalog_health = known->second.instance.catalog_health, instance.node_lost = false;
  }
}

bool HoldDown::doubt(const std::string& name, const std::vector<conf::Instance>& said, TimePoint now) {
  const auto found = services_.find(name);
  if (found == services_.end()) return false;
  Service& service = found->second;
  const std::vector<Key> leaving = service.leaving(keys(said));
  for (const Key& key : leaving) {
    if (!left_.would_count({name, key}) || !service.doubted.insert(key).second) continue;
    ++doubted_;
    left_.note({name, key}, now);
  }
  return !leaving.empty();
}

bool HoldDown::drop(const std::string& name, const std::string& node, const std::string& id,
                    const std::string& datacenter) {
  const auto service = services_.find(name);
  if (service == services_.end()) return false;
  const auto known = service->second.known.find({node, id});
  if (known == service->second.known.end() || known->second.instance.held.empty()) return false;
  if (known->second.instance.datacenter != datacenter) return false;  // another of the same name
  remove(service->second, known);
  return true;
}

std::size_t HoldDown::approve(const std::string& name, const std::string& id) {
  const auto found = services_.find(name);
  if (found == services_.end()) return 0;
  Service& service = found->second;
  const std::size_t before = service.known.size();
  for (auto next = service.known.begin(); next != service.known.end();) {
    const auto each = next++;
    const conf::Instance& instance = each->second.instance;
    const bool meant = id.empty() || instance.id == id || instance.node + "/" + instance.id == id;
    if (!instance.held.empty() && meant) remove(service, each);
  }
  const std::size_t approved = before - service.known.size();
  if (approved > 0 || !service.departed) return approved;
  service.departed.reset();  // nobody is held: it is the routes that shall go
  service.departed_at.reset();
  return 1;
}

bool HoldDown::end_waiting(TimePoint now) {
  bool ended = false;
  for (auto& [name, service] : services_) {
    if (!service.departed || !service.departed->awaited) continue;
    if (!service.awaited_since) service.awaited_since = now;
    if (now - *service.awaited_since < awaited_most) continue;
    service.departed->awaited = false;
    ended = true;
  }
  return ended;
}

bool HoldDown::expire(bool trusted, TimePoint now) {
  bool expired = end_waiting(now);
  if (!trusted) return trusted_since_.reset(), expired;
  if (!trusted_since_) trusted_since_ = now;
  const std::size_t before = count_;
  for (auto& [name, service] : services_) {
    if (service.departed && !service.departed_at) service.departed_at = now;
    if (service.departed && now - std::max(*service.departed_at, *trusted_since_) >= departed_most) {
      service.departed.reset();
      service.departed_at.reset();
      expired = true;
    }
    for (auto next = service.known.begin(); next != service.known.end();) {
      const auto each = next++;
      const bool held = !each->second.instance.held.empty();
      if (held && now - std::max(each->second.held_since, *trusted_since_) >= hold_most) remove(service, each);
    }
  }
  return expired || count_ != before;
}

void HoldDown::forget(const std::string& name) {
  const auto service = services_.find(name);
  if (service == services_.end()) return;
  count_ -= service->second.known.size();
  doubted_ -= service->second.doubted.size();
  services_.erase(service);
}

std::vector<conf::Instance> HoldDown::instances(const std::string& name) const {
  std::vector<conf::Instance> out;
  const auto service = services_.find(name);
  if (service == services_.end()) return out;
  for (const auto& [key, known] : service->second.known) out.push_back(known.instance);
  if (out.empty() && service->second.departed) out.push_back(*service->second.departed);
  return out;
}

std::vector<HoldDown::Held> HoldDown::held() const {
  std::vector<Held> out;
  for (const auto& [name, service] : services_)
    for (const auto& [key, known] : service.known)
      if (!known.instance.held.empty())
        out.push_back({name, key.first, key.second, known.instance.held, known.held_since});
  return out;
}

}  // namespace gatehouse::catalog
