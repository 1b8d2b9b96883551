// Callbacks that libzookeeper will make, by number.
//
// The library keeps a `void*` for each pending operation and watch, forgets those of watches that never fire, and may
// call back while its handle is being closed. So it is never given a pointer to anything of ours, only a number, which
// names a callback here for as long as its owner wants to hear of it.
#pragma once

#include "session/session.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace weir::discovery {

/// What libzookeeper called back with, copied out of its memory.
struct Reply {
  int code = 0;          ///< a ZOO_ERRORS value, or a session state for events
  int event = 0;         ///< type of a watch's event
  std::int64_t client_id = 0;
  int timeout_ms = 0;
  Names names{};
  std::string data{};
  NodeStat stat{};
};

/// Thread safety: all functions from any thread. Callbacks run without a lock held.
class CallbackTable {
 public:
  using Callback = std::function<void(Reply)>;

  /// The process's own. Never destroyed: the library's threads may outlive `main`.
  static CallbackTable& instance();

  /// Keeps `callback` until its owner is dropped or, if `once`, it was called. Returns its number, never 0.
  std::uintptr_t add(std::uint64_t owner, bool once, Callback callback);
  void call(std::uintptr_t number, Reply reply);
  /// Forgets one callback, or all of an owner. One that is running goes on.
  void drop(std::uintptr_t number);
  void drop_owner(std::uint64_t owner);

 private:
  struct Entry {
    std::uint64_t owner;
    bool once;
    std::shared_ptr<const Callback> callback;
  };
  std::mutex mutex_;
  std::uintptr_t last_ = 0;
  std::unordered_map<std::uintptr_t, Entry> entries_;
};

}  // namespace weir::discovery
