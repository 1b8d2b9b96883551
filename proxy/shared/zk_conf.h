// What an upstream says about ZooKeeper. The place where everything is put together starts the discovery from it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/setting.h"
#include "shared/json.h"

namespace weir::shared {

/// Where the discovery of one upstream puts what it tells about itself, for who prints it.
/// Thread safety: all functions from any thread.
class ZkStatus {
 public:
  /// `tell`: a few lines of text; `write`: the same as a JSON object. Called on any thread.
  void set(std::function<std::string()> tell, std::function<void(JsonWriter&)> write) {
    const std::lock_guard lock(mutex_);
    tell_ = std::move(tell);
    write_ = std::move(write);
  }
  /// Empty if there is nothing to tell.
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return tell_ ? tell_() : std::string();
  }
  /// Writes one value; an empty object if there is nothing to tell.
  void write(JsonWriter& json) const {
    const std::lock_guard lock(mutex_);
    if (write_) return write_(json);
    json.object().end_object();
  }

 private:
  mutable std::mutex mutex_;
  std::function<std::string()> tell_;
  std::function<void(JsonWriter&)> write_;
};

struct ZkConf {
  config::Setting<std::vector<std::string>> servers;  // `host[:port]`; empty: no discovery
  config::Setting<std::string> path;                  // empty: /weir/<name of the upstream>
  config::Setting<std::string> format{"auto"};        // a word that the discovery knows
  config::Setting<std::chrono::milliseconds> session{std::chrono::milliseconds(6'000)};
  config::Setting<std::string> cache;                 // the file; empty: none
  config::Setting<std::string> vanish{"verify"};      // trust, verify or keep
  config::Setting<double> least{0.9};                 // zk_min: 0 to 1
  config::Setting<bool> damp{true};
  config::Setting<std::vector<std::string>> allow;    // ranges; empty: anywhere
  config::Setting<std::string> auth_scheme;           // empty: nobody in particular
  config::Setting<std::string> auth_secret;           // `user:password`; never printed
  std::shared_ptr<ZkStatus> status;                   // if this group discovers
};

}  // namespace weir::shared
