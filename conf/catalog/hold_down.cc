#include "conf/catalog/hold_down.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gatehouse::catalog {
namespace {

// What may leave within the window: of a service one, or a fifth; of all instances one, or a seventh.
constexpr std::size_t service_part = 5, all_part = 7;

void forget_before(std::deque<TimePoint>& times, TimePoint bound) {
  while (!times.empty() && times.front() < bound) times.pop_front();
}

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
  if (instance.departed) return service.departed = instance, void();
  const Known known{instance, instance.held.empty() ? TimePoint{} : now, true};
  count_ += service.known.insert_or_assign({instance.node, instance.id}, known).second;
}

std::size_t HoldDown::Service::leaving(const std::set<Key>& present) const {
  return static_cast<std::size_t>(std::count_if(
      known.begin(), known.end(), [&](const auto& each) { return leaves(each.second.instance, present); }));
}

std::vector<conf::Instance> HoldDown::update(const std::string& name, const std::vector<conf::Instance>& said,
                                             bool trusted, bool single, TimePoint now) {
  Service& service = services_[name];
  forget_before(service.left, now - window);
  forget_before(left_, now - window);
  const std::set<Key> present = keys(said);
  const bool replaced = std::any_of(said.begin(), said.end(), [](const auto& instance) { return !failed(instance); });
  const bool may_hold = single ? !trusted && !replaced : true;
  const std::size_t leaving = service.leaving(present);
  const std::size_t of_all = count_ + left_.size() - std::min(doubted_, left_.size());
  const std::size_t doubted = std::exchange(service.doubted, 0);
  doubted_ -= doubted;
  std::size_t noted = std::min({doubted, leaving, left_.size()});
  const std::size_t of_service = service.known.size() + service.left.size();
  const std::size_t lost = service.left.size() + leaving, lost_of_all = left_.size() - noted + leaving;
  const bool few = lost <= std::max<std::size_t>(1, of_service / service_part);
  const bool few_of_all = lost_of_all <= std::max<std::size_t>(1, of_all / all_part);
  std::string reason;
  if (!trusted)
    reason = "the catalog lost it while it could not be trusted";
  else if (!few)
    reason =
        "the catalog lost " + std::to_string(leaving) + " of " + std::to_string(service.known.size()) + " at once";
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
    if (counts) service.left.push_back(now);
    if (counts && noted == 0) left_.push_back(now);
    if (counts && noted > 0) --noted;
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
    service.departed->departed = true;
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
  const std::set<Key> present = keys(said);
  const std::size_t leaving = service.leaving(present);
  for (; service.doubted < leaving; ++service.doubted, ++doubted_) left_.push_back(now);
  return leaving > 0;
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

bool HoldDown::expire(bool trusted, TimePoint now) {
  if (!trusted) return trusted_since_.reset(), false;
  if (!trusted_since_) trusted_since_ = now;
  const std::size_t before = count_;
  bool expired = false;
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
  doubted_ -= service->second.doubted;
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
