// Whether something serves at an address, asked again and again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace weir::discovery {

/// Checks on a thread of its own from construction to destruction.
class PortCheck {
 public:
  struct Settings {
    std::string address;    ///< canonical `ip:port` or `[v6]:port`
    std::string http_path;  ///< such as `/health`: must be answered with 2xx or 3xx; empty: connecting is enough
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds patience{500};  ///< for one check
    int rise = 1;                             ///< passes in a row that make it up
    int fall = 3;                             ///< failures in a row that make it down
  };

  /// `on_change`: called on the checking thread, first as soon as the state is known and then when it changes.
  PortCheck(Settings settings, std::function<void(bool is_up)> on_change);
  ~PortCheck();

 private:
  void run();

  const Settings settings_;
  const std::function<void(bool)> on_change_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

/// Connects once and closes again. Blocks for at most `patience`. `address` as in PortCheck::Settings.
bool accepts_connections(const std::string& address, std::chrono::milliseconds patience);

/// Asks `GET path` on a connection of its own; whether the status is one of 200 to 399. Blocks for at most `patience`.
bool answers_http(const std::string& address, const std::string& path, std::chrono::milliseconds patience);

}  // namespace weir::discovery
