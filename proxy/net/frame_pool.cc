#include "net/frame_pool.h"

#include <utility>

namespace weir::net {

constinit thread_local FramePool::Lists FramePool::lists_{};

// One a thread, made when the thread takes its first frame; empties the lists when the thread ends.
struct FramePool::Cleaner {
  Cleaner() {
#ifndef __SANITIZE_ADDRESS__
    lists_.limit = kMaxKept;
#endif
  }
  ~Cleaner() {
    lists_.limit = 0;
    trim();
  }
};

void FramePool::trim() noexcept {
  for (Node*& head : lists_.heads) {
    while (head) ::operator delete(std::exchange(head, head->next));
  }
  lists_.kept = 0;
}

void* FramePool::take_new(std::size_t size) {
  static thread_local Cleaner cleaner;
  static_cast<void>(cleaner);
  return ::operator new(size <= kLargest ? rounded(size) : size);
}

}  // namespace weir::net
