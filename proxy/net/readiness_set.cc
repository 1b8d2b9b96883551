#include "net/readiness_set.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "net/out_of_memory.h"
#include "net/plain_calls.h"

namespace weir::net {

ReadinessSet::ReadinessSet() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

ReadinessSet::~ReadinessSet() {
  ::close(epoll_);
}

int ReadinessSet::add(int fd, std::uint32_t events, ReadinessHandler& handler, Slot& slot) {
  if (first_free_ == kNoSlot) {
    slot = static_cast<Slot>(entries_.size());
    entries_.push_back({nullptr, 0, kNoSlot});
  } else {
    slot = first_free_;
    first_free_ = entries_[slot].next_free;
    --free_count_;
  }
  entries_[slot].handler = &handler;
  epoll_event event{.events = events, .data = {.u64 = key_of(slot)}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  const int error = errno;
  remove_closing(slot);
  return error;
}

int ReadinessSet::change(int fd, Slot slot, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = key_of(slot)}};
  return epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void ReadinessSet::remove(int fd, Slot slot) {
  epoll_event unused{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused);
  remove_closing(slot);
}

void ReadinessSet::remove_closing(Slot slot) {
  Entry& entry = entries_[slot];
  entry.handler = nullptr;
  ++entry.generation;  // events that name the old one reach nobody
  entry.next_free = first_free_;
  first_free_ = slot;
  ++free_count_;
}

std::size_t ReadinessSet::dispatch(std::chrono::milliseconds patience) {
  const int count =
      plain::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), static_cast<int>(patience.count()));
  for (int i = 0; i < count; ++i) {
    const std::uint64_t key = events_[static_cast<std::size_t>(i)].data.u64;
    const Entry& entry = entries_[static_cast<Slot>(key)];
    if (entry.handler && entry.generation == key >> 32)
      OutOfMemory::unless([&] { entry.handler->on_ready(events_[static_cast<std::size_t>(i)].events); });
  }
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace weir::net
