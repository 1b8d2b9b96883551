#include "net/tls_replay_guard.h"

#include <cstring>

namespace weir::net {

bool TlsReplayGuard::is_new(const Random& random, TimePoint now) {
  std::uint64_t key = 0;  // clients choose it at random: two alike cost one of them a round trip
  std::memcpy(&key, random.data(), sizeof key);
  const std::lock_guard lock(mutex_);
  if (now - since_ >= kSpan) {
    before_ = now - since_ < 2 * kSpan ? std::move(latest_) : decltype(before_)();
    latest_.clear();
    since_ = now;
  }
  if (before_.contains(key) || latest_.size() >= kMost) return false;
  return latest_.insert(key).second;
}

}  // namespace weir::net
