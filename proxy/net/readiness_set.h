// An epoll set that tells handlers about their descriptors.
//
// The loop watches the set as a whole through Asio (one descriptor), and calls `dispatch` when something is in it or may
// soon be. An event names its handler by slot and generation, so an event for a descriptor that was removed, even in the same
// batch, reaches nobody. One thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::net {

class Stream;

/// Receives the events of one descriptor. May remove or destroy itself, and anything else, while it is called.
class ReadinessHandler {
 public:
  /// `events`: EPOLL* bits. May fail for want of memory, which is then noted.
  virtual void on_ready(std::uint32_t events) = 0;
  /// The handler as a stream, if it is one.
  virtual Stream* as_stream() { return nullptr; }

 protected:
  ~ReadinessHandler() = default;
};

class ReadinessSet {
 public:
  /// For connections: told once about each change.
  static constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  /// For listeners: told as long as there is something.
  static constexpr std::uint32_t kLevelIn = EPOLLIN;

  using Slot = std::uint32_t;

  ReadinessSet();
  ReadinessSet(const ReadinessSet&) = delete;
  ReadinessSet& operator=(const ReadinessSet&) = delete;
  ~ReadinessSet();

  /// Watches `fd` for `events` on behalf of `handler`. Returns 0 and sets `slot`, or returns an errno.
  int add(int fd, std::uint32_t events, ReadinessHandler& handler, Slot& slot);
  /// Watches for other events from now on; 0 pauses. Returns 0 or an errno.
  int change(int fd, Slot slot, std::uint32_t events);
  /// Stops watching `fd`, which stays open.
  void remove(int fd, Slot slot);
  /// Stops watching a descriptor that the caller closes right after (closing takes it out of the kernel's set).
  void remove_closing(Slot slot);

  /// Calls the handlers of what is ready, of up to 512 descriptors. Waits for the first up to `patience`. Returns the
  /// number of events.
  std::size_t dispatch(std::chrono::milliseconds patience = std::chrono::milliseconds{0});

  /// The epoll descriptor itself; readable while something is ready.
  int descriptor() const { return epoll_; }
  /// How many descriptors are watched.
  std::size_t size() const { return entries_.size() - free_count_; }
  /// Calls `visit(handler)` for each watched handler; `visit` may remove handlers.
  template <class Visit>
  void for_each(Visit visit) {
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].handler) visit(*entries_[i].handler);
  }

 private:
  static constexpr Slot kNoSlot = ~Slot{0};
  struct Entry {
    ReadinessHandler* handler;  // null: free
    std::uint32_t generation;
    Slot next_free;
  };

  std::uint64_t key_of(Slot slot) const { return std::uint64_t{entries_[slot].generation} << 32 | slot; }

  int epoll_;
  Slot first_free_ = kNoSlot;
  std::size_t free_count_ = 0;
  std::vector<Entry> entries_;
  std::array<epoll_event, 512> events_;
};

}  // namespace weir::net
