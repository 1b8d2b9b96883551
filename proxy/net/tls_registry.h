// Those who load the same files under the same options share what was loaded. Private to this folder's TLS parts.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "net/tls_keeper.h"
#include "net/tls_options.h"

namespace weir::net {

/// T: TlsServer or TlsClient. Thread-safe.
template <class T>
class TlsRegistry {
 public:
  /// The T with these options that is in use, else a new one. Throws TlsConfigError.
  template <class Options>
  std::shared_ptr<T> get(const Options& options) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [](const auto& each) { return each.expired(); });
    for (const auto& each : all_) {
      const auto known = each.lock();
      if (!known || !(known->options() == options)) continue;
      // Who loads a configuration may expect that the files are in force as they are now.
      if (const auto refreshed = known->keeper().refresh_now(); refreshed && !refreshed->error.empty())
        throw TlsConfigError(refreshed->error);
      return known;
    }
    auto made = std::make_shared<T>(options);
    all_.push_back(made);
    return made;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<T>> all_;
};

}  // namespace weir::net
