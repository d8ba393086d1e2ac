// world_use.h: one worker's references to worlds, counted without atomics.
//   An exchange holds the world it began with until it is done or has become a long transfer. The last use of a
//   world that was replaced hands it to the reaper (the control thread), so that nothing large is freed here.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "proxy/world.h"

namespace gatehouse::proxy {

class WorldKeeper {
 public:
  struct Held {
    std::shared_ptr<const World> world;
    unsigned uses = 0;
    bool current = true;
  };

  // One use of a world; movable, ends with its scope.
  class Use {
   public:
    Use() = default;
    Use(WorldKeeper& keeper, Held& held) : keeper_(&keeper), held_(&held) { ++held.uses; }
    Use(Use&& other) noexcept
        : keeper_(std::exchange(other.keeper_, nullptr)), held_(std::exchange(other.held_, nullptr)) {}
    Use& operator=(Use&& other) noexcept {
      end();
      keeper_ = std::exchange(other.keeper_, nullptr);
      held_ = std::exchange(other.held_, nullptr);
      return *this;
    }
    ~Use() { end(); }
    void end() {
      if (held_ != nullptr) keeper_->release(*held_);
      keeper_ = nullptr, held_ = nullptr;
    }
    explicit operator bool() const { return held_ != nullptr; }
    const World& operator*() const { return *held_->world; }
    const World* operator->() const { return held_->world.get(); }

   private:
    WorldKeeper* keeper_ = nullptr;
    Held* held_ = nullptr;
  };

  // `reaper` takes worlds that this worker is done with; it must not destroy them on this thread.
  using Reaper = std::function<void(std::shared_ptr<const World>)>;
  explicit WorldKeeper(Reaper reaper) : reaper_(std::move(reaper)) {}

  void publish(std::shared_ptr<const World> next) {
    if (!held_.empty()) {
      Held& last = held_.back();
      last.current = false;
      if (last.uses == 0) retire(last);
    }
    held_.push_back(Held{std::move(next)});
  }
  Use use() { return Use(*this, held_.back()); }
  const World& current() const { return *held_.back().world; }
  std::size_t live() const { return held_.size(); }

 private:
  void release(Held& held) {
    if (--held.uses == 0 && !held.current) retire(held);
  }
  void retire(Held& held) {
    reaper_(std::move(held.world));
    held_.remove_if([&held](const Held& each) { return &each == &held; });
  }

  Reaper reaper_;
  std::list<Held> held_;  // the last one is current
};

}  // namespace gatehouse::proxy
