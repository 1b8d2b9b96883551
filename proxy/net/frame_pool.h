// Memory for coroutine frames: free lists of this thread, one for each size that the system's allocator knows, so that
// a frame that waits for long takes no more than it needs.
//
// A frame is taken and given back on the thread it runs on, so nothing here locks. What the lists keep is bounded
// (kMaxKept bytes a thread); the rest goes back to the system's allocator. Under AddressSanitizer the lists are
// off, so that a use of a dead frame is seen.
#pragma once

#include <cstddef>
#include <new>

namespace weir::net {

class FramePool {
 public:
  static constexpr std::size_t kGranule = 16;       // bytes between two sizes of malloc's blocks
  static constexpr std::size_t kHeader = 8;         // bytes that malloc needs of each block
  static constexpr std::size_t kLargest = 4096;     // bytes; larger frames come from operator new
  static constexpr std::size_t kMaxKept = 4 << 20;  // bytes of free frames a thread keeps

  /// Memory for a frame of `size` bytes.
  static void* take(std::size_t size) {
    if (size <= kLargest) {
      Lists& lists = lists_;
      if (Node* node = lists.heads[index(size)]) {
        lists.heads[index(size)] = node->next;
        lists.kept -= rounded(size);
        return node;
      }
    }
    return take_new(size);
  }

  /// Gives back what `take(size)` returned.
  static void give(void* memory, std::size_t size) noexcept {
    Lists& lists = lists_;
    if (size > kLargest || lists.kept + rounded(size) > lists.limit) {
      ::operator delete(memory);
      return;
    }
    Node* node = static_cast<Node*>(memory);
    node->next = lists.heads[index(size)];
    lists.heads[index(size)] = node;
    lists.kept += rounded(size);
  }

  /// Gives this thread's free frames back to the system's allocator. After a flood they lie among what it freed, and
  /// keep whole pages from being given back.
  static void trim() noexcept;

  /// Bytes of free frames that this thread keeps now.
  static std::size_t kept() { return lists_.kept; }

 private:
  struct Node {
    Node* next;
  };
  // No constructor and no destructor, so that reaching it needs no guard; `Cleaner` in the .cc empties it at exit.
  struct Lists {
    Node* heads[(kLargest + kHeader) / kGranule + 2];
    std::size_t kept;
    std::size_t limit;  // 0 until the first take_new of the thread, and again when the thread ends
  };
  struct Cleaner;

  static std::size_t index(std::size_t size) { return (size + kHeader + kGranule - 1) / kGranule; }
  static std::size_t rounded(std::size_t size) { return index(size) * kGranule - kHeader; }
  static void* take_new(std::size_t size);

  static constinit thread_local Lists lists_;
};

}  // namespace weir::net
