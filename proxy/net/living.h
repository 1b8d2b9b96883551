// All of a kind that are in use somewhere in the process.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace weir::net {

/// Thread-safe.
template <class T>
class Living {
 public:
  void add(const std::shared_ptr<T>& one) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [](const auto& each) { return each.expired(); });
    known_.push_back(one);
  }
  std::vector<std::shared_ptr<T>> all() {
    std::vector<std::shared_ptr<T>> living;
    const std::lock_guard lock(mutex_);
    for (const auto& each : known_)
      if (auto one = each.lock()) living.push_back(std::move(one));
    return living;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<T>> known_;
};

}  // namespace weir::net
