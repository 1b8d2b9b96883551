#include "session/callback_table.h"

#include <utility>

namespace weir::discovery {

CallbackTable& CallbackTable::instance() {
  static auto* const table = new CallbackTable;
  return *table;
}

std::uintptr_t CallbackTable::add(std::uint64_t owner, bool once, Callback callback) {
  auto shared = std::make_shared<const Callback>(std::move(callback));
  const std::lock_guard lock(mutex_);
  entries_.emplace(++last_, Entry{owner, once, std::move(shared)});
  return last_;
}

void CallbackTable::call(std::uintptr_t number, Reply reply) {
  std::shared_ptr<const Callback> callback;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(number);
    if (entry == entries_.end()) return;
    callback = entry->second.callback;
    if (entry->second.once) entries_.erase(entry);
  }
  (*callback)(std::move(reply));
}

void CallbackTable::drop(std::uintptr_t number) {
  std::shared_ptr<const Callback> dropped;  // what it holds is destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(number);
  if (entry == entries_.end()) return;
  dropped = std::move(entry->second.callback);
  entries_.erase(entry);
}

void CallbackTable::drop_owner(std::uint64_t owner) {
  std::vector<std::shared_ptr<const Callback>> dropped;
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.owner != owner) {
      ++entry;
      continue;
    }
    dropped.push_back(std::move(entry->second.callback));
    entry = entries_.erase(entry);
  }
}

}  // namespace weir::discovery
